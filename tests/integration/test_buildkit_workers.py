"""The BuildKit builder on real BuildKit: by mutual TLS, in a container, with workers away."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from authority import Authority
from stand_in_command import calls, write_command
from testbed.buildkit_gateway import BuildKitGateway
from testbed.engine import Engine

from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import (
    BuildContext,
    BuildKitImageBuilder,
    BuildKitImageBuilderConfig,
    Client,
    DefaultContainerRegistry,
)
from imagebuilders.buildkit.daemon import daemon_at
from imagebuilders.buildkit.fleet import in_order
from imagebuilders.distribution.client import RegistryClient
from imagebuilders.events import (
    BuildSkipped,
    BuildStarted,
    Event,
    Notice,
    StepStarted,
    listen,
)
from imagebuilders.exceptions import BuildError, PushError
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index, Manifest

pytestmark = pytest.mark.usefixtures("docker_config")

SLOW = 30
"""Seconds that a worker may take to answer where another must not build in its stead."""

# What an image of buildkitd has: a program that leads to the daemon. Here that is an engine's.
BUILDCTL = """\
#!/bin/sh
[ "$*" = dial-stdio ] || exit 3
end=$(printf '\\r') upgraded=/tmp/upgraded-$$
{ printf 'POST /grpc HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n'
  while [ ! -e $upgraded ]; do sleep 0.05; done  # an engine may lose what comes before
  exec cat
} | nc 127.0.0.1 2375 | {
  while IFS= read -r line && [ "$line" != "$end" ]; do :; done
  touch $upgraded
  exec cat
}
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority for both sides of mutual TLS."""
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def worker(containerd_engine: Engine, authority: Authority) -> Iterator[BuildKitGateway]:
    """A daemon by mutual TLS."""
    context = authority.server_context(authority.issue("server"))
    with BuildKitGateway(containerd_engine.docker_host, context) as gateway:
        yield gateway


@pytest.fixture
def tls(authority: Authority) -> dict[str, str]:
    """The settings for mutual TLS."""
    client = authority.issue("client")
    return {
        "tls_ca": str(authority.ca),
        "tls_certificate": str(client.certificate),
        "tls_key": str(client.key),
    }


@pytest.fixture
def registry(containerd_engine: Engine) -> DefaultContainerRegistry:
    """The engine's registry."""
    return DefaultContainerRegistry(uri=containerd_engine.registry.address)


def _builder(addresses: object, **settings: object) -> BuildKitImageBuilder:
    given = {"addresses": addresses, **settings}
    return BuildKitImageBuilder(BuildKitImageBuilderConfig.model_validate(given))


def _context(*lines: str) -> BuildContext:
    context = BuildContext()
    context.add_file("\n".join(["FROM busybox:latest", "COPY a /a", *lines, ""]), "Dockerfile")
    context.add_file("content " + os.urandom(8).hex(), "a")
    return context


class TestContract(ImageBuilderContract):
    """The builder keeps the contract of image builders on a real daemon."""

    @pytest.fixture
    def image_builder(self, worker: BuildKitGateway, tls: dict[str, str]) -> BuildKitImageBuilder:
        """Give the builder."""
        return _builder(worker.address, **tls)

    @pytest.fixture
    def container_registry(self, registry: DefaultContainerRegistry) -> DefaultContainerRegistry:
        """Give the registry."""
        self.registry = registry
        return registry

    def digest_in_registry(self, image_name: str) -> str:
        """Ask the registry."""
        return _digest(image_name)


def test_unchanged_image_is_not_built(
    worker: BuildKitGateway, tls: dict[str, str], registry: DefaultContainerRegistry, tmp_path: Path
) -> None:
    """The digest comes back from the registry; with another file the daemon builds and pushes."""
    registry_base = f"{registry.uri}/worker/skip-base:1"
    name = f"{registry.uri}/worker/skipped:{os.urandom(4).hex()}"
    builder = _builder(worker.address, **tls)
    base = BuildContext()
    base.add_file(f"FROM scratch\nLABEL mark={os.urandom(8).hex()}\n", "Dockerfile")
    builder.build(registry_base, base, None, registry)
    (tmp_path / "Dockerfile").write_text(f"FROM {registry_base}\nCOPY a /a\n")

    def build(content: str) -> tuple[str, bool]:
        (tmp_path / "a").write_text(content)
        told: list[Event] = []
        with listen(told.append):
            digest = builder.build(
                name, BuildContext(str(tmp_path)), None, registry, skip_unchanged=True
            )
        assert digest == f"{name.rpartition(':')[0]}@{_digest(name)}"
        skipped = any(isinstance(event, BuildSkipped) for event in told)
        assert skipped != any(isinstance(event, BuildStarted) for event in told)
        return digest, skipped

    first, *skipped = build("1")
    assert skipped == [False]
    assert build("1") == (first, True)
    second, *skipped = build("2")
    assert skipped == [False]
    assert second != first
    assert build("2") == (second, True)


def _digest(image_name: str) -> str:
    domain, _, rest = image_name.partition("/")
    path, _, tag = rest.partition(":")
    with RegistryClient(domain) as client:
        return str(client.repository(path).resolve(tag).digest)


def _application() -> str:
    """Build and push with whatever the active stack has."""
    stack = Client().active_stack
    registry = stack.container_registry
    assert registry is not None
    context = BuildContext()
    context.add_file(
        'FROM busybox:latest\nARG V\nCOPY a /a\nRUN echo $V >/v\nENV A=b\nUSER 5\nCMD ["x"]\n',
        "Dockerfile",
    )
    context.add_file("the same", "a")
    options = {"buildargs": {"V": "7"}, "labels": {"one": "two"}, "nocache": True}
    kind = type(stack.image_builder).__name__.lower()
    return stack.image_builder.build(f"{registry.uri}/{kind}:1", context, options, registry)


def test_one_application_on_both_builders(
    containerd_engine: Engine,
    worker: BuildKitGateway,
    tls: dict[str, str],
    registry: DefaultContainerRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The active stack alone changes: the same files and settings, and the registry's digest."""
    table = "IMAGEBUILDERS_IMAGE_BUILDER__"
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__URI", registry.uri)
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.docker_host)
    configs, files = [], []
    for flavor, settings in (
        ("local", {}),
        ("buildkit", {"ADDRESSES": worker.address, **tls}),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(f"{table}FLAVOR", flavor)
            for name, value in settings.items():
                changed.setenv(f"{table}{name.upper()}", value)
            pushed = _application()
        repository, _, digest = pushed.partition("@")
        assert digest == _digest(f"{repository}:1")
        with RegistryClient(registry.uri) as client:
            stored = client.repository(repository.partition("/")[2])
            manifest = stored.read_manifest(digest).parse()
            assert isinstance(manifest, Manifest)
            configs.append(ImageConfig.parse(stored.read_blob(manifest.config.digest)))
            files.append([_files(stored.read_blob(each.digest)) for each in manifest.layers[1:]])
    assert configs[0].config == configs[1].config
    assert [entry.created_by for entry in configs[0].history] == [
        entry.created_by for entry in configs[1].history
    ]
    assert files[0] == files[1]


def _files(layer: bytes) -> list[tuple[str, int, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        return [
            (member.name, member.mode, (member.isfile() and _read(archive, member)) or b"")
            for member in archive
        ]


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(member)
    return opened.read() if opened else b""


def test_a_registry_that_wants_a_login(
    containerd_engine: Engine, worker: BuildKitGateway, tls: dict[str, str]
) -> None:
    """The daemon asks this side for it; without one the push is an error of a push."""
    guarded = containerd_engine.registry_with_auth
    credentials = guarded.credentials
    assert credentials is not None
    builder = _builder(worker.address, **tls)
    name = f"{guarded.address}/worker/app:1"
    registry = DefaultContainerRegistry(
        uri=guarded.address, username=credentials.username, password=credentials.password
    )
    assert builder.build(name, _context(), None, registry).startswith(f"{guarded.address}/worker")
    with pytest.raises(PushError, match="was not pushed"):
        builder.build(name, _context(), None, DefaultContainerRegistry(uri=guarded.address))


# --- other ways ----------------------------------------------------------------


def test_a_daemon_in_a_container(
    containerd_engine: Engine, registry: DefaultContainerRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reached by the API of its engine, without the `docker` command."""
    program = io.BytesIO()
    with tarfile.open(fileobj=program, mode="w") as archive:
        member = tarfile.TarInfo("bin/buildctl")
        member.size, member.mode = len(BUILDCTL), 0o755
        archive.addfile(member, io.BytesIO(BUILDCTL.encode()))
    container = containerd_engine.client.containers.create(
        containerd_engine.busybox, ["sleep", "600"], network_mode="host", name="workers-buildkitd"
    )
    try:
        container.put_archive("/", program.getvalue())
        container.start()
        monkeypatch.setenv("DOCKER_HOST", containerd_engine.docker_host)
        name = f"{registry.uri}/worker/in-container:1"
        builder = _builder("docker-container://workers-buildkitd")
        pushed = builder.build(name, _context("RUN cat /a"), None, registry)
        assert pushed.endswith(_digest(name))
    finally:
        container.remove(force=True)


def test_a_daemon_in_a_pod(
    containerd_engine: Engine,
    registry: DefaultContainerRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is reached by what is called `kubectl`."""
    programs = tmp_path / "programs"
    log = write_command(programs, "kubectl", f"engine+{containerd_engine.docker_host}")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    name = f"{registry.uri}/worker/in-pod:1"
    pushed = _builder("kube-pod://b-0?namespace=ci").build(name, _context(), None, registry)
    assert pushed.endswith(_digest(name))
    (arguments,) = calls(log)
    assert arguments == ["--namespace=ci", "exec", "-i", "b-0", "--", "buildctl", "dial-stdio"]


# --- several workers -------------------------------------------------------------


class Pair:
    """Two workers by mutual TLS, in the order in which a build without a folder tries them."""

    def __init__(self, gateways: list[BuildKitGateway], repository: str) -> None:
        found = {gateway.address: gateway for gateway in gateways}
        order = in_order([daemon_at(address) for address in found], repository)
        self.addresses = [daemon.name for daemon in order]
        self.first, self.second = (found[daemon.name] for daemon in order)


@pytest.fixture
def pair(
    containerd_engine: Engine, authority: Authority, registry: DefaultContainerRegistry
) -> Iterator[Pair]:
    """Give two workers."""
    with ExitStack() as opened:
        gateways = [
            opened.enter_context(
                BuildKitGateway(
                    containerd_engine.docker_host,
                    authority.server_context(authority.issue(f"server-{number}")),
                )
            )
            for number in range(2)
        ]
        yield Pair(gateways, f"{registry.uri}/worker/app")


def test_a_worker_is_killed_in_mid_build(
    pair: Pair, tls: dict[str, str], registry: DefaultContainerRegistry
) -> None:
    """One error says so soon; the next build succeeds on the other worker."""
    name = f"{registry.uri}/worker/app:1"
    builder = _builder(pair.addresses, health_timeout=SLOW, **tls)
    killed: list[float] = []

    def kill(event: Event) -> None:
        if isinstance(event, StepStarted) and "sleep" in event.instruction:
            killed.append(time.monotonic())
            pair.first.kill()

    with listen(kill), pytest.raises(BuildError, match="was not built") as caught:
        builder.build(name, _context("RUN sleep 60"), None, registry)
    assert time.monotonic() - killed[0] < 10
    assert "RUN sleep 60" in str(caught.value)
    told: list[Event] = []
    with listen(told.append):
        assert builder.build(name, _context(), None, registry).endswith(_digest(name))
    assert any(
        isinstance(event, Notice) and f"{pair.addresses[0]} is passed over" in event.message
        for event in told
    )


def test_a_worker_is_away_and_one_hangs(
    pair: Pair, tls: dict[str, str], registry: DefaultContainerRegistry
) -> None:
    """The build succeeds on the one that is left, when the others had their time to answer."""
    pair.first.kill()
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        hangs = f"tcp://localhost:{hanging.getsockname()[1]}"
        builder = _builder([hangs, *pair.addresses], health_timeout=5, **tls)
        begun = time.monotonic()
        builder.build(f"{registry.uri}/worker/app:1", _context(), None, registry)
        assert time.monotonic() - begun < 20
        pair.second.kill()
        begun = time.monotonic()
        with pytest.raises(BuildError, match="None of 3 BuildKit daemons answers"):
            builder.build(f"{registry.uri}/worker/app:1", _context(), None, registry)
        assert time.monotonic() - begun < 10


def test_certificates_expire_between_builds(
    pair: Pair, tls: dict[str, str], authority: Authority, registry: DefaultContainerRegistry
) -> None:
    """That of one worker sends the build to the other; the client's own is one clear error."""
    name = f"{registry.uri}/worker/app:1"
    builder = _builder(pair.addresses, health_timeout=SLOW, **tls)
    told: list[Event] = []
    with listen(told.append):
        builder.build(name, _context(), None, registry)
    began = next(event.engine for event in told if isinstance(event, BuildStarted))
    # The one that built is asked first again, because its cache is warm.
    number = next(place for place, address in enumerate(pair.addresses) if address in began)
    worker = (pair.first, pair.second)[number]
    worker.tls = authority.server_context(authority.issue(f"server-{number}", is_expired=True))
    told.clear()
    with listen(told.append):
        assert builder.build(name, _context(), None, registry).endswith(_digest(name))
    notices = [event.message for event in told if isinstance(event, Notice)]
    assert any("certificate has expired" in notice for notice in notices)
    authority.issue("client", is_expired=True)
    with pytest.raises(BuildError, match="refused the connection: certificate expired"):
        builder.build(name, _context(), None, registry)


def test_platforms_have_workers_of_their_own(
    pair: Pair, tls: dict[str, str], registry: DefaultContainerRegistry
) -> None:
    """One index has what both built, and nothing else."""
    first, second = pair.addresses
    builder = _builder(first, platform_addresses={"linux/arm64": second}, **tls)
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY a /a\n", "Dockerfile")
    context.add_file("content", "a")
    name = f"{registry.uri}/worker/both:1"
    options = {"platform": "linux/amd64,linux/arm64"}
    pushed = builder.build(name, context, options, registry)
    assert pushed.endswith(_digest(name))
    with RegistryClient(registry.uri) as client:
        repository = client.repository("worker/both")
        index = repository.read_manifest("1").parse()
        assert isinstance(index, Index)
        configs = [
            ImageConfig.parse(repository.read_blob(manifest.config.digest))
            for entry in index.manifests
            if isinstance(manifest := repository.read_manifest(entry.digest).parse(), Manifest)
        ]
    assert [str(entry.platform) for entry in index.manifests] == ["linux/amd64", "linux/arm64"]
    assert [str(config.platform) for config in configs] == ["linux/amd64", "linux/arm64"]
