"""Random images pushed without a daemon: what a real BuildKit makes of the same, and they run."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import buildkit_cases
import buildkit_execution
import docker
import pytest
from buildkit_cases import Outcome
from comparison_size import size
from docker.errors import APIError
from engine_outcomes import EngineOutcomes
from pushed_images import PushedImages
from random_dockerfiles import DockerfileGenerator
from testbed.engine import Engine

from fakes import FakeRegistry
from imagebuilders.oci.platform import Platform

_PARTS = ("config", "history", "layers", "tree")
_SEED = 1907
_COUNT = size(10, 300)
_RECORDED = size(8, 1000)
_PROGRAM = "busybox"
_BUILT = "evaluated:1"
_UNKNOWN_FLAG = "unknown flag: --parents"
"""What the frontend of this engine does not have, and BuildKit's newest one has."""


@pytest.fixture(scope="module")
def server(containerd_engine: Engine) -> Iterator[FakeRegistry]:
    """A registry that the engine reaches under the same address."""
    with FakeRegistry() as registry:
        port = int(registry.address.rpartition(":")[2])
        with containerd_engine.forwarded(port):
            yield registry


@pytest.fixture(scope="module")
def pushed(
    server: FakeRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PushedImages]:
    """Pushes to it, and takes it for Docker Hub."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("surroundings")
        patch.setenv("DOCKER_CONFIG", str(folder / "docker-config"))
        patch.setenv("IMAGEBUILDERS_CACHE_DIR", str(folder / "cache"))
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)
        patch.setattr(
            "imagebuilders.daemonless.settings.build_platform",
            lambda: Platform("linux", "amd64"),
        )
        yield PushedImages(server, patch)


@pytest.fixture(scope="module")
def program(containerd_engine: Engine) -> bytes:
    """An archive with a program that needs no other file."""
    client = containerd_engine.client
    container = client.containers.create(containerd_engine.busybox, ["true"])
    try:
        pieces, _ = container.get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            (member,) = archive.getmembers()
            source = archive.extractfile(member)
            assert source is not None
            content = source.read()
    finally:
        container.remove()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(_PROGRAM)
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def test_random_images(
    containerd_engine: Engine,
    server: FakeRegistry,
    pushed: PushedImages,
    program: bytes,
    tmp_path: Path,
) -> None:
    """Configuration, history, layers in order and files are alike, and both images run alike."""
    generator, built, ran = DockerfileGenerator(_SEED), 0, 0
    found: list[str] = []
    client = containerd_engine.client
    name = f"{server.address}/built/image:1"
    with EngineOutcomes(client) as real:
        for number in range(_COUNT):
            case = {"id": str(number), "group": "random", **generator.case()}
            folders = [tmp_path / f"{side}-{number}" for side in ("theirs", "ours")]
            for folder in folders:
                folder.mkdir()
            wanted = real.outcome(case, folders[0])
            if wanted is None or _UNKNOWN_FLAG in wanted.get("error", ""):
                continue
            outcome = pushed.outcome(case, folders[1])
            differences = _differences(wanted, outcome)
            if wanted["ok"] and outcome["ok"]:
                built += 1
                client.images.pull(name)
                said = [_run(client, image, program) for image in (_BUILT, name)]
                ran += said[1] == "0"
                if said[0] != said[1]:
                    differences.append(f"run: expected {said[0]}, got {said[1]}")
            if differences:
                found += [f"--- {number}", case["dockerfile"], *differences]
    assert not found, "\n".join(found)
    assert built > _COUNT // 3
    assert ran > built // 2


def test_recorded_images_run(
    containerd_engine: Engine,
    server: FakeRegistry,
    pushed: PushedImages,
    program: bytes,
    tmp_path: Path,
) -> None:
    """The recorded Dockerfiles, pushed: what runs of the engine's own image runs of ours, alike."""
    client = containerd_engine.client
    name = f"{server.address}/built/image:1"
    found, ran, compared = [], 0, 0
    with EngineOutcomes(client) as real:
        for number, case in enumerate(_recorded()):
            folders = [tmp_path / f"{side}-{number}" for side in ("theirs", "ours")]
            for folder in folders:
                folder.mkdir()
            outcome = pushed.outcome(case, folders[1])
            if not outcome["ok"]:
                found.append(f"{case['id']}: {outcome['error']}")
                continue
            client.images.pull(name, platform="linux/amd64")
            said = _run(client, name, program)
            ran += said == "0"
            # What is downloaded is there for our own build alone.
            wanted = None if "http" in case else real.outcome(case, folders[0])
            if wanted is not None and wanted["ok"]:
                compared += 1
                expected = _run(client, _BUILT, program)
                if said != expected:
                    found.append(f"{case['id']}: expected {expected}, got {said}")
            elif said != "0":
                found.append(f"{case['id']}: {said}")
    assert not found, "\n".join(found)
    assert ran > len(_recorded()) // 2
    assert compared > len(_recorded()) // 2


def _recorded() -> list[buildkit_cases.Case]:
    """Return recorded cases that BuildKit builds for this platform, without commands."""
    expected = buildkit_cases.expected("0.32")
    cases = [
        case
        for name, case in buildkit_cases.cases().items()
        if case["run_free"] and expected[name]["ok"] and "platforms" not in expected[name]
    ]
    return cases[:: max(len(cases) // _RECORDED, 1)]


def _differences(wanted: Outcome, outcome: Outcome) -> list[str]:
    if wanted["ok"] != outcome["ok"]:
        return [f"ok: expected {wanted.get('error', True)}, got {outcome.get('error', True)}"]
    if not wanted["ok"]:
        # The words are the newest BuildKit's, with whose recorded ones they are compared.
        return []
    for image in (wanted, outcome):
        for record in image["history"]:
            # Frontends print the structure of a health check each as its Go values are.
            if record.get("created_by", "").startswith("HEALTHCHECK "):
                record["created_by"] = "HEALTHCHECK"
    differences = buildkit_cases.differences(
        {**wanted, "warnings": outcome["warnings"]}, outcome, parts=_PARTS
    )
    orders = [buildkit_execution.layer_order(each) for each in (wanted, outcome)]
    if not differences and orders[0] != orders[1]:
        differences.append(f"order: expected {orders[0]}, got {orders[1]}")
    return differences


def _run(client: docker.DockerClient, image: str, program: bytes) -> str:
    """Run a program in an image's container; return its exit code, or why it cannot run."""
    try:
        container = client.containers.create(image, ["true"], entrypoint=[f"/{_PROGRAM}"], user="0")
    except APIError as error:
        return str(error.explanation)
    try:
        container.put_archive("/", program)
        container.start()
        return str(container.wait()["StatusCode"])
    except APIError as error:
        return str(error.explanation).replace(container.id or "", "ID")
    finally:
        container.remove(force=True, v=True)
