"""Images that were built without a daemon, on real registries and engines."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.registry import Registry
from testbed.tools import ClientTool, run_in

from fakes import FakeRegistry
from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import BuildContext, DaemonlessImageBuilder, DefaultContainerRegistry

_SCRIPT = "echo hello $WHO; id -u; pwd; cat inner; stat -c '%a %u' /app/a.sh"
_EXPECTED = "hello you\n1000\n/data\nin\n755 1000\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker_config: Path) -> None:
    """Keep the user's own cache and configuration out of the tests."""
    del docker_config
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))


class TestContract(ImageBuilderContract):
    """The contract of image builders, with a real registry."""

    @pytest.fixture
    def image_builder(self) -> DaemonlessImageBuilder:
        """Give the builder."""
        return DaemonlessImageBuilder()

    @pytest.fixture
    def container_registry(self, registry: Registry) -> DefaultContainerRegistry:
        """Give the registry."""
        return DefaultContainerRegistry(uri=registry.address)


def _base(engine: Engine) -> str:
    """Push the engine's small image to its registry; return its name."""
    name = f"{engine.registry.address}/daemonless/base:1"
    engine.client.images.get(engine.busybox).tag(name)
    for line in engine.client.images.push(name, stream=True, decode=True):
        assert "error" not in line, line
    return name


def _context(folder: Path, base: str) -> BuildContext:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inner")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"in\n"))
    root = folder / "root"
    root.mkdir()
    (root / "data.tar.gz").write_bytes(packed.getvalue())
    (root / "a.sh").write_text(_SCRIPT)
    (root / "Dockerfile").write_text(
        f"FROM {base} AS files\nCOPY --chmod=755 --chown=1000 a.sh /app/\n"
        f"FROM {base}\nCOPY --from=files /app /app\nWORKDIR /data\nADD data.tar.gz .\n"
        'ENV WHO=you\nUSER 1000\nCMD ["/bin/sh", "/app/a.sh"]\n'
    )
    return BuildContext(str(root))


@pytest.mark.parametrize("compression", ["gzip", "zstd", "uncompressed"])
def test_pushed_images_run(engine: Engine, tmp_path: Path, compression: str) -> None:
    """What the Dockerfile says holds in the container."""
    context = _context(tmp_path, _base(engine))
    registry = DefaultContainerRegistry(uri=engine.registry.address)
    name = f"{engine.registry.address}/daemonless/{compression}:1"
    pushed = DaemonlessImageBuilder(compression=compression).build(name, context, None, registry)
    engine.client.images.pull(pushed)
    assert engine.client.containers.run(pushed, remove=True).decode() == _EXPECTED


def test_loaded_images_run(every_engine: Engine, tmp_path: Path) -> None:
    """`docker load` of each engine takes the archive."""
    context = _context(tmp_path, _base(every_engine))
    dest = tmp_path / "image.tar"
    outputs = f"type=docker,dest={dest}"
    DaemonlessImageBuilder().build("daemonless/loaded:1", context, {"outputs": outputs})
    with dest.open("rb") as archive:
        every_engine.client.images.load(archive)
    run = every_engine.client.containers.run
    assert run("daemonless/loaded:1", remove=True).decode() == _EXPECTED


def test_other_clients_read_the_layout_and_the_index(
    engine: Engine, tmp_path: Path, client_tool: Callable[[str], ClientTool]
) -> None:
    """skopeo reads the image layout's archive; crane finds attestations beside each platform."""
    context = _context(tmp_path, _base(engine))
    registry = DefaultContainerRegistry(uri=engine.registry.address)
    name = f"{engine.registry.address}/daemonless/index:1"
    options = {
        "platform": "linux/amd64",
        "sbom": True,
        "provenance": True,
        "outputs": [f"type=oci,dest={tmp_path / 'layout.tar'}", "type=registry"],
    }
    pushed = DaemonlessImageBuilder().build(name, context, options, registry)
    index = json.loads(client_tool("crane").run("manifest", pushed).stdout)
    kinds = [entry.get("annotations", {}) for entry in index["manifests"]]
    assert kinds[1]["vnd.docker.reference.type"] == "attestation-manifest"
    client_tool("skopeo").put(tmp_path / "layout.tar", "/tmp/layout.tar")
    source = "oci-archive:/tmp/layout.tar"
    said = client_tool("skopeo").run("inspect", "--raw", source).stdout
    assert json.loads(said) == index


def test_buildx_shows_what_is_attested(
    engine: Engine, tmp_path: Path, client_tool: Callable[[str], ClientTool]
) -> None:
    """`docker buildx imagetools inspect` finds the provenance, and the bill of what was added."""
    context = _context(tmp_path, _base(engine))
    registry = DefaultContainerRegistry(uri=engine.registry.address)
    name = f"{engine.registry.address}/daemonless/attested:1"
    DaemonlessImageBuilder().build(name, context, {"sbom": True, "provenance": True}, registry)

    def shown(kind: str) -> object:
        inspect = ("buildx", "imagetools", "inspect", name)
        said = client_tool("docker").run(*inspect, "--format", f"{{{{json .{kind}}}}}")
        return json.loads(said.stdout)

    provenance, bill = shown("Provenance"), shown("SBOM")
    assert isinstance(provenance, dict)
    assert isinstance(bill, dict)
    assert provenance["SLSA"]["buildDefinition"]["externalParameters"]
    assert bill["SPDX"]["spdxVersion"] == "SPDX-2.3"


def test_the_login_of_docker_is_used(engine: Engine, tmp_path: Path, docker_config: Path) -> None:
    """What `docker login` keeps is an identity token; the engine and the builder exchange it."""
    users = {"ci": "s3cret"}
    with FakeRegistry(auth="bearer", users=users, identity_tokens=True) as registry:
        name = f"{registry.address}/daemonless/login"
        with engine.forwarded(int(registry.address.rpartition(":")[2])):
            engine.cli("login", "-u", "ci", "-p", "s3cret", registry.address)
            try:
                said = run_in(engine.container, ["cat", "/root/.docker/config.json"]).stdout
                kept = json.loads(said)["auths"][registry.address]
                engine.cli("tag", engine.busybox, f"{name}:1")
                engine.cli("push", f"{name}:1")
            finally:
                engine.cli("logout", registry.address)
        assert kept["identitytoken"]
        docker_config.write_text(json.dumps({"auths": {registry.address: kept}}))
        context = BuildContext()
        context.add_file(f"FROM {name}:1\nCOPY a /a\n", "Dockerfile")
        context.add_file("a", "a")
        registry.forget_requests()
        assert DaemonlessImageBuilder().build(f"{name}:2", context, {"push": True})
        asked = [each.method for each in registry.requests if each.path == "/token"]
        assert set(asked) == {"POST"}
        assert "/a" in registry.image("daemonless/login:2").paths
