"""How fast the fake registry is, beside a real one on the same machine in the same run.

    python benchmarks/registry.py

Needs `curl`; for the comparison `docker-registry` and `skopeo`. What is missing is left out,
and said so.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from fakes.contracts.registry_endpoint import RegistryEndpoint
from fakes.registry import FakeRegistry, Request
from fakes.registry.names import digest_of

_MB = 1_000_000
_LAYER_BYTES = 200 * _MB
_DOWNLOAD_BYTES = 1_000 * _MB
_ROUNDS = 3
_FRESH = 1_000


def main() -> None:
    """Measure and print."""
    _startup()
    _fresh_registries()
    if shutil.which("curl"):
        _download()
    else:
        print("download: left out, there is no curl")
    missing = [name for name in ("docker-registry", "skopeo") if not shutil.which(name)]
    if missing:
        print(f"push and pull: left out, there is no {' and no '.join(missing)}")
    else:
        _push_and_pull()


def _startup() -> None:
    def start_and_stop() -> None:
        with FakeRegistry():
            pass

    print(f"start and stop: {_best(start_and_stop, 50) * 1000:.2f} ms")


def _fresh_registries() -> None:
    """As a test suite would: each test has its own registry and pushes a small image."""

    def in_process() -> None:
        registry = FakeRegistry()
        with registry.session() as session:
            RegistryEndpoint(registry.url, session=session).push_image("team/app", "1.0")

    def served() -> None:
        with FakeRegistry() as registry, requests.Session() as session:
            session.trust_env = False
            RegistryEndpoint(registry.url, session=session).push_image("team/app", "1.0")

    for name, push in (("in-process", in_process), ("over HTTP", served)):
        began = time.perf_counter()
        for _ in range(_FRESH):
            push()
        print(f"{_FRESH} fresh registries, {name}: {time.perf_counter() - began:.2f} s")


def _download() -> None:
    content = os.urandom(_MB) * (_DOWNLOAD_BYTES // _MB)
    digest = digest_of(content)
    with FakeRegistry() as registry:
        path = f"/v2/app/blobs/uploads/?digest={digest}"
        assert registry.handle(Request("POST", path, body=[content])).status == 201
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{speed_download}"]
        speeds = [
            float(subprocess.check_output([*command, f"{registry.url}/v2/app/blobs/{digest}"]))
            for _ in range(_ROUNDS)
        ]
    print(f"download by curl: {max(speeds) / 1e9:.2f} GB/s")


def _push_and_pull() -> None:
    """Rounds alternate, so that a busy machine is busy for both."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _real_registry(folder) as real,
        FakeRegistry() as fake,
    ):
        addresses = {"fake": fake.address, "docker-registry": real}
        pushes: dict[str, list[float]] = {name: [] for name in addresses}
        pulls: dict[str, list[float]] = {name: [] for name in addresses}
        for number in range(_ROUNDS):
            # A layer that was pushed before would be mounted instead of sent.
            layout = _layout(Path(folder, f"layout-{number}"))
            for name, address in addresses.items():
                image = f"docker://{address}/bench/{number}:1"
                pushes[name].append(_timed("--dest-tls-verify=false", f"oci:{layout}:1", image))
                target = f"dir:{folder}/pulled-{name}-{number}"
                pulls[name].append(_timed("--src-tls-verify=false", image, target))
                shutil.rmtree(target.partition(":")[2])
    for action, times in (("push", pushes), ("pull", pulls)):
        best = {name: min(values) for name, values in times.items()}
        ratio = best["fake"] / best["docker-registry"]
        shown = ", ".join(f"{name} {value:.2f} s" for name, value in best.items())
        print(f"{action} of {_LAYER_BYTES // _MB} MB by skopeo: {shown}; ratio {ratio:.2f}")


def _timed(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run(["skopeo", "copy", *arguments], check=True, stdout=subprocess.DEVNULL, text=True)
    return time.perf_counter() - began


def _layout(folder: Path) -> Path:
    """An OCI layout with one layer that cannot be compressed."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    kind = "application/vnd.oci.image"
    layer = add(os.urandom(_LAYER_BYTES), f"{kind}.layer.v1.tar+gzip")
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = {"architecture": "amd64", "os": "linux", "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "config": add(json.dumps(config).encode(), f"{kind}.config.v1+json"),
        "layers": [layer],
    }
    entry = add(json.dumps(manifest).encode(), f"{kind}.manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


@contextmanager
def _real_registry(folder: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    configuration = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": f"{folder}/registry"}},
        "http": {"addr": address},
    }
    path = Path(folder, "registry.yml")
    path.write_text(json.dumps(configuration))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{address}/v2/", timeout=1).close()
                break
            except urllib.error.URLError:
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait()


def _best(action: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
