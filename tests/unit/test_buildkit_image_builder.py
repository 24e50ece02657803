"""The BuildKit builder, against scripted daemons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeBuildKit, FakeRegistry, ScriptedBuildKit
from fakes.buildkit import ScriptedBuild
from fakes.contracts.image_builder import ImageBuilderContract
from imagebuilders import (
    BuildContext,
    BuildKitImageBuilder,
    BuildKitImageBuilderConfig,
    Client,
    DefaultContainerRegistry,
)
from imagebuilders.events import BuildStarted, Event, ImagePushed, Notice, listen
from imagebuilders.exceptions import BuildError, BuildOptionsError, ConfigurationError, PushError

DIGEST = "sha256:" + "d" * 64


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


def evaluate(build: ScriptedBuild) -> Mapping[str, str]:
    """Do what the Dockerfile says, as far as COPY goes."""
    session = build.session
    dockerfile = session.copy("dockerfile")["Dockerfile"].content or b""
    lines = dockerfile.decode().splitlines()
    for number, line in enumerate(lines, 1):
        keyword, _, rest = line.partition(" ")
        if keyword not in ("FROM", "LABEL", "COPY"):
            build.fail(f"dockerfile parse error on line {number}: unknown instruction: {keyword}")
        name = f"[{number}/{len(lines)}] {line}"
        if keyword == "COPY" and rest.split()[0] not in session.copy("context"):
            build.step(name, error="not found")
            build.fail("failed to compute cache key: not found")
        if keyword != "LABEL":
            build.step(name)
    return build.export()


@pytest.fixture
def daemon() -> Iterator[ScriptedBuildKit]:
    """Give a daemon; scripts must not have failed at the end."""
    daemon = ScriptedBuildKit(evaluate, containerd_store=True)
    yield daemon
    daemon.check()


@pytest.fixture
def address(daemon: ScriptedBuildKit) -> Iterator[str]:
    """Serve it, and give its address."""
    with daemon.serve() as address:
        yield address


@pytest.fixture
def builder(address: str) -> BuildKitImageBuilder:
    """A builder with that daemon."""
    return BuildKitImageBuilder(addresses=address)


@pytest.fixture
def registry() -> DefaultContainerRegistry:
    """A registry that only the daemon would speak to."""
    return DefaultContainerRegistry(uri="registry.example/team")


def _context(dockerfile: str = "FROM base:1\nCOPY a /a\n") -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    context.add_file("a", "a")
    return context


class TestContract(ImageBuilderContract):
    """The BuildKit builder keeps the contract of image builders."""

    @pytest.fixture
    def image_builder(self) -> Iterator[BuildKitImageBuilder]:
        """Give the builder, with a daemon that evaluates Dockerfiles."""
        with FakeBuildKit().serve() as address:
            yield BuildKitImageBuilder(addresses=address)

    @pytest.fixture
    def container_registry(self) -> Iterator[DefaultContainerRegistry]:
        """Give a registry."""
        with FakeRegistry() as server:
            self.server = server
            yield DefaultContainerRegistry(uri=server.address)

    def digest_in_registry(self, image_name: str) -> str:
        """Ask the registry."""
        return self.server.manifest(image_name.partition("/")[2]).digest


def test_the_daemon_pushes_and_its_digest_comes_back(
    daemon: ScriptedBuildKit, builder: BuildKitImageBuilder, registry: DefaultContainerRegistry
) -> None:
    """The image's exporter is asked to push; nobody else is."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.step("[1/1] FROM base:1")
        return {"containerimage.digest": DIGEST, "containerimage.config.digest": "sha256:0"}

    daemon.script = script
    told: list[Event] = []
    with listen(told.append):
        pushed = builder.build("registry.example/team/app:1", _context(), None, registry)
    assert pushed == f"registry.example/team/app@{DIGEST}"
    (request,) = daemon.requests
    (exporter,) = request.Exporters
    assert exporter.Type == "image"
    assert dict(exporter.Attrs) == {"name": "registry.example/team/app:1", "push": "true"}
    (started,) = [event for event in told if isinstance(event, BuildStarted)]
    assert started.engine.startswith("BuildKit v0.32.2 at unix://")
    assert [event.reference for event in told if isinstance(event, ImagePushed)] == [pushed]


def test_one_name_is_pushed_or_all(
    daemon: ScriptedBuildKit, builder: BuildKitImageBuilder, registry: DefaultContainerRegistry
) -> None:
    """As with an engine, the option `push` pushes all; without it a notice names the others."""
    name, tag = "registry.example/team/app:1", "registry.example/team/app:latest"
    told: list[Event] = []
    with listen(told.append):
        builder.build(name, _context(), {"tags": [tag]}, registry)
    pushed = builder.build(name, _context(), {"tags": [tag], "push": True})
    assert pushed.startswith("registry.example/team/app@sha256:")
    exporters = [request.Exporters[0] for request in daemon.requests]
    assert [exporter.Attrs["name"] for exporter in exporters] == [name, f"{name},{tag}"]
    assert [exporter.Attrs["push"] for exporter in exporters] == ["true", "true"]
    (notice,) = [event for event in told if isinstance(event, Notice)]
    assert notice.message.startswith(f"{tag} is not pushed")


@pytest.mark.parametrize("output", ["type=local,dest=out", "type=image", "type=docker"])
def test_outputs_do_not_keep_the_image_from_being_pushed(
    daemon: ScriptedBuildKit,
    builder: BuildKitImageBuilder,
    registry: DefaultContainerRegistry,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    output: str,
) -> None:
    """With a registry one of the outputs is the image that is pushed."""
    monkeypatch.chdir(tmp_path)
    name = "registry.example/team/app:1"
    pushed = builder.build(name, _context(), {"outputs": output}, registry)
    assert pushed.startswith("registry.example/team/app@sha256:")
    exporters = daemon.requests[0].Exporters
    assert [each.Attrs["push"] for each in exporters if each.Type == "image"] == ["true"]


def test_outputs_do_instead_of_a_registry(
    daemon: ScriptedBuildKit, builder: BuildKitImageBuilder, tmp_path: Path
) -> None:
    """The result is the name."""
    options = {"outputs": f"type=local,dest={tmp_path}/out"}
    assert builder.build("app:1", _context(), options) == "app:1"
    assert [exporter.Type for exporter in daemon.requests[0].Exporters] == ["local"]


def test_an_image_for_an_engine_is_refused(builder: BuildKitImageBuilder) -> None:
    """No engine builds that could keep it."""
    with pytest.raises(BuildOptionsError, match="none builds here"):
        builder.build("app:1", _context(), {"outputs": "type=docker"})


def test_without_an_address_the_error_says_where_it_belongs(
    registry: DefaultContainerRegistry,
) -> None:
    """Before the context is read."""
    with pytest.raises(ConfigurationError, match="addresses="):
        BuildKitImageBuilder().build("registry.example/team/app:1", _context(), None, registry)


def test_a_daemon_that_is_away(registry: DefaultContainerRegistry, tmp_path: Path) -> None:
    """The error names its address."""
    builder = BuildKitImageBuilder(addresses=f"unix://{tmp_path}/none.sock")
    with pytest.raises(BuildError, match=r"team/app:1 was not built. .* unix://.*none\.sock"):
        builder.build("registry.example/team/app:1", _context(), None, registry)


def test_an_engine_that_cannot_push_is_refused(registry: DefaultContainerRegistry) -> None:
    """A graph driver's image store passes a push over in silence."""
    daemon = ScriptedBuildKit(containerd_store=False)
    with daemon.serve() as address, pytest.raises(BuildOptionsError, match="containerd"):
        BuildKitImageBuilder(addresses=address).build(
            "registry.example/team/app:1", _context(), None, registry
        )
    assert daemon.requests == []


@pytest.mark.parametrize("form", ["file", "variable"])
def test_the_active_stack_alone_chooses_it(
    address: str,
    daemon: ScriptedBuildKit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    """A file or the environment names flavor and address; the code is that of any builder."""
    prefix = "IMAGEBUILDERS_IMAGE_BUILDER__"
    if form == "file":
        file = tmp_path / "imagebuilders.toml"
        file.write_text(f'[image_builder]\nflavor = "buildkit"\naddresses = ["{address}"]\n')
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.setenv(f"{prefix}FLAVOR", "buildkit")
        monkeypatch.setenv(f"{prefix}ADDRESSES", address)
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__URI", "registry.example")
    stack = Client().active_stack
    assert isinstance(stack.image_builder, BuildKitImageBuilder)
    stack.image_builder.build("registry.example/app:1", _context(), None, stack.container_registry)
    assert len(daemon.requests) == 1


def test_addresses_come_in_every_form() -> None:
    """One, several with commas, a list."""
    for given in ("unix:///a, tcp://b:1", ["unix:///a", "tcp://b:1"]):
        config = BuildKitImageBuilderConfig.model_validate({"addresses": given})
        assert config.addresses == ("unix:///a", "tcp://b:1")


def test_files_may_be_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leading `~` stands for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    config = BuildKitImageBuilderConfig.model_validate({"tls_ca": "~/buildkit/ca.pem"})
    assert config.tls is not None
    assert config.tls.ca == tmp_path / "buildkit" / "ca.pem"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"addresses": "buildkitd:1234"}, "its kind is missing"),
        ({"addresses": "BUILDKIT_HOST=tcp://a:1"}, "leave out 'BUILDKIT_HOST='"),
        ({"addresses": ["tcp://buildkitd"]}, "the port is missing"),
        ({"addresses": "ftp://user:secret@host"}, "ftp:// is not supported"),
        ({"platform_addresses": {"linux/arm64": "tcp://arm"}}, "the port is missing"),
        ({"platform_addresses": {"arm": "tcp://arm:1", "x": "tcp://x:1"}}, "is not a platform"),
        ({"addresses": "tcp://a:1", "builder": "mine"}, "exclude each other"),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], words: str) -> None:
    """They are refused where the builder is made, without a password in the words."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        BuildKitImageBuilder(**settings)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("variable", ["BUILDKIT_HOST", "BUILDX_BUILDER"])
def test_the_environment_names_a_daemon(
    daemon: ScriptedBuildKit,
    address: str,
    registry: DefaultContainerRegistry,
    docker_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    """`BUILDX_BUILDER` before `BUILDKIT_HOST`; both count only without settings."""
    monkeypatch.setenv("BUILDKIT_HOST", address)
    if variable == "BUILDX_BUILDER":
        monkeypatch.setenv("BUILDKIT_HOST", "unix:///no/such.sock")
        monkeypatch.setenv("BUILDX_BUILDER", "mine")
        write_builder(docker_config.parent, "mine", "remote", [{"Endpoint": address}])
    BuildKitImageBuilder().build("registry.example/team/app:1", _context(), None, registry)
    assert len(daemon.requests) == 1


def write_builder(
    folder: Path, name: str, driver: str, nodes: Sequence[Mapping[str, object]]
) -> None:
    """Write the file that `docker buildx create` keeps of a builder."""
    instances = folder / "buildx" / "instances"
    instances.mkdir(parents=True, exist_ok=True)
    filled = [
        {"Name": f"{name}{number}", "Platforms": None, "DriverOpts": None, **node}
        for number, node in enumerate(nodes)
    ]
    (instances / name).write_text(json.dumps({"Name": name, "Driver": driver, "Nodes": filled}))


def test_a_push_that_fails_is_a_push_error(
    daemon: ScriptedBuildKit, builder: BuildKitImageBuilder, registry: DefaultContainerRegistry
) -> None:
    """It names image and registry, and what the registry said, as that of an engine does."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.step("[1/1] FROM base:1")
        words = "failed to push registry.example/team/app:1: authorization failed: no basic auth"
        build.step("exporting to image", error=words)
        build.fail(words)

    daemon.script = script
    with pytest.raises(PushError, match=r"was not pushed to registry\.example: auth") as caught:
        builder.build("registry.example/team/app:1", _context(), None, registry)
    assert caught.value.image_name == "registry.example/team/app:1"
    assert caught.value.registry == "registry.example"
    assert caught.value.detail == "authorization failed: no basic auth"
