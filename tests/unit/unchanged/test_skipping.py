"""Builds that are skipped, as the registry has their image, and builds that must not be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.distribution import RegistryClient
from imagebuilders.distribution.registries import Registries
from imagebuilders.events import BuildSkipped, BuildStarted, Event, Notice, listen
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.oci.manifest import Index
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference
from imagebuilders.unchanged.build_key import ImageInputs, KeyUnknownError, build_key
from imagebuilders.unchanged.registry_image import LABEL, unchanged

Options = Mapping[str, object]


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own Docker configuration and cache out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.delenv("DOCKER_DEFAULT_PLATFORM", raising=False)


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    """A registry with a base image."""
    with FakeRegistry() as server:
        server.seed(f"{server.address}/base:1", files={"bin/sh": ""})
        yield server


class App:
    """An application, and what builds it."""

    def __init__(self, root: Path, server: FakeRegistry, client: FakeDockerClient) -> None:
        self.root = root
        self.server = server
        self.name = f"{server.address}/app:1"
        self.told: list[Event] = []
        self._builder = LocalImageBuilder(docker_client=client, builder="classic")
        self._registry = DefaultContainerRegistry(uri=server.address, docker_client=client)
        root.mkdir()
        (root / "a").write_text("a")
        (root / "Dockerfile").write_text(f"FROM {server.address}/base:1\nCOPY a /a\n")

    def build(self, options: Options | None = None) -> str:
        """Build, or not."""
        self.told.clear()
        with listen(self.told.append):
            return self._builder.build(
                self.name,
                BuildContext(str(self.root)),
                options,
                self._registry,
                skip_unchanged=True,
            )

    @property
    def was_skipped(self) -> bool:
        """Whether nothing was built the last time."""
        skipped = any(isinstance(event, BuildSkipped) for event in self.told)
        assert skipped != any(isinstance(event, BuildStarted) for event in self.told)
        return skipped

    @property
    def notices(self) -> list[str]:
        """What was remarked the last time."""
        return [event.message for event in self.told if isinstance(event, Notice)]


@pytest.fixture
def app(tmp_path: Path, server: FakeRegistry) -> Iterator[App]:
    """The application."""
    client = FakeDockerClient(FakeDockerEngine())
    yield App(tmp_path / "app", server, client)
    client.close()


def test_nothing_is_done_where_nothing_changed(app: App) -> None:
    """The digest comes back after a HEAD for the base and a GET each of manifest and config."""
    first = app.build()
    assert not app.was_skipped
    before = len(app.server.requests)
    assert app.build() == first
    assert app.told == [BuildSkipped(app.name, first)]
    asked = [
        (request.method, request.repository, request.path.split("/")[-2])
        for request in app.server.requests[before:]
        if request.repository
    ]
    assert asked == [
        ("HEAD", "base", "manifests"),
        ("GET", "app", "manifests"),
        ("GET", "app", "blobs"),
    ]


def test_the_image_carries_its_key(app: App) -> None:
    """It is one digest, beside the image's other labels."""
    app.build({"labels": {"own": "1"}})
    labels = app.server.image(app.name).labels
    assert labels["own"] == "1"
    assert labels[LABEL].startswith("sha256:")


def _write(name: str, content: str) -> Callable[[App], Options]:
    def change(app: App) -> Options:
        (app.root / name).write_text(content)
        return {}

    return change


def _add_step(app: App) -> Options:
    text = (app.root / "Dockerfile").read_text()
    (app.root / "Dockerfile").write_text(f"{text}LABEL more=1\n")
    return {}


def _other_base(app: App) -> Options:
    app.server.seed(f"{app.server.address}/base:1", files={"bin/sh": "another"})
    return {}


def _other_mode(app: App) -> Options:
    (app.root / "a").chmod(0o600)
    return {}


@pytest.mark.parametrize(
    "change",
    [
        _write("a", "changed"),
        _write("b", "new"),
        _add_step,
        _other_base,
        _other_mode,
        lambda app: {"buildargs": {"A": "1"}},
        lambda app: {"labels": {"a": "1"}},
        lambda app: {"extra_hosts": {"a": "10.0.0.1"}},
        lambda app: {"platform": "linux/amd64"},
    ],
)
def test_a_change_is_built(app: App, change: Callable[[App], Options]) -> None:
    """Once; then it is as before."""
    app.build()
    options = change(app)
    app.build(options)
    assert not app.was_skipped
    assert not any("is built" in notice for notice in app.notices)
    app.build(options)
    assert app.was_skipped


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 60},
        {"use_config_proxy": False},
        {"buildargs": {"A": None}},
        {"labels": {}},
        {"pull": True},
    ],
)
def test_options_that_make_no_other_image(app: App, options: Options) -> None:
    """Nothing is built for them."""
    app.build()
    app.build(options)
    assert app.was_skipped


@pytest.mark.parametrize("options", [{"nocache": True}, {"tags": ["also:1"]}])
def test_options_that_want_a_build(app: App, options: Options) -> None:
    """A notice says which; the image is labelled all the same."""
    app.build(options)
    app.build(options)
    assert not app.was_skipped
    assert f"for the option {next(iter(options))!r}" in app.notices[0]
    app.build()
    assert app.was_skipped


def test_an_unknown_base_is_built_upon(app: App, server: FakeRegistry) -> None:
    """One that no registry has: nothing is skipped, and a notice says why."""
    engine = FakeDockerEngine()
    engine.seed_image("mine:1", files={"/a": ""})
    client = FakeDockerClient(engine)
    other = App(app.root.parent / "other", server, client)
    (other.root / "Dockerfile").write_text("FROM 127.0.0.1:1/mine:1\n")
    engine.seed_image("127.0.0.1:1/mine:1", files={"/a": ""})
    for _ in range(2):
        other.build()
        assert not other.was_skipped
        assert "the base image 127.0.0.1:1/mine:1 is not known" in other.notices[0]
    client.close()


def test_what_an_add_fetches_may_have_changed(app: App) -> None:
    """It is never skipped."""
    (app.root / "Dockerfile").write_text("FROM scratch\nADD http://127.0.0.1:1/x /x\n")
    with pytest.raises(Exception, match="127"):
        app.build()
    assert "an ADD fetches" in app.notices[0]


def test_an_image_without_a_key_is_built(app: App) -> None:
    """As another program has pushed it."""
    app.server.seed(app.name, files={"a": ""})
    app.build()
    assert not app.was_skipped
    app.build()
    assert app.was_skipped


def test_a_registry_is_needed(app: App) -> None:
    """It is missed before the context is read."""
    with pytest.raises(ConfigurationError, match="registry"):
        LocalImageBuilder().build("app:1", BuildContext("/missing"), skip_unchanged=True)


class _Nobody:
    """Has no credentials."""

    def credentials_for(self, registry: str) -> None:
        """Return none."""


def test_an_index_is_known_by_one_platform(app: App) -> None:
    """The digest is the index's; its other entries, such as attestations, are not looked at."""
    app.build({"platform": "linux/amd64"})
    reference = ImageReference.parse(app.name)
    with RegistryClient(app.server.address) as client:
        repository = client.repository("app")
        image = repository.read_manifest("1").descriptor
        attestation = replace(image, platform=Platform("unknown", "unknown"))
        index = Index((attestation, replace(image, platform=Platform("linux", "amd64"))))
        digest = repository.write_manifest(index.to_bytes(), index.media_type, "1")
    key = app.server.image(app.name, "linux/amd64").labels[LABEL]
    with Registries(_Nobody()) as registries:
        before = len(app.server.requests)
        assert unchanged(registries, reference, key, "linux/amd64,linux/arm64") == str(digest)
        assert len([each for each in app.server.requests[before:] if each.repository]) == 3
        assert unchanged(registries, reference, key, "linux/s390x") is None
        assert unchanged(registries, reference, "sha256:other", "linux/amd64") is None


def test_a_registry_that_fails_is_told(app: App) -> None:
    """The image is built, and a notice says why."""
    app.build()
    app.server.faults.status(403, method="GET", path="/v2/app/manifests/*")
    app.build()
    assert not app.was_skipped
    assert any("cannot be asked" in notice for notice in app.notices)


def test_what_is_wrong_with_logins_is_told_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question whether to build and the build use the same logins."""
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "no JSON")
    for is_unchanged in (False, True):
        app.build()
        assert app.was_skipped == is_unchanged
        assert ["DOCKER_AUTH_CONFIG cannot be used" in notice for notice in app.notices] == [True]


def test_named_contexts_count_by_their_content(tmp_path: Path) -> None:
    """A folder by what is in it, an image by its digest; of others nothing is known."""
    (tmp_path / "extra").mkdir()
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY --from=extra / /\n", "Dockerfile")
    asked: list[str] = []

    def key(value: str) -> str:
        options = DockerBuildOptions(build_contexts={"extra": value}, platform="linux/amd64")

        def resolve(name: str) -> str:
            asked.append(name)
            return "sha256:1"

        return build_key(ImageInputs(context.build_snapshot(), options), resolve)

    first = key(str(tmp_path / "extra"))
    (tmp_path / "extra" / "a").write_text("a")
    assert key(str(tmp_path / "extra")) != first
    key("docker-image://busybox")
    assert asked == ["docker.io/library/busybox:latest"]
    with pytest.raises(KeyUnknownError, match="extra"):
        key("https://github.com/me/app.git")


def test_the_image_that_reads_the_dockerfile_counts() -> None:
    """That of a `# syntax=` line, of the setting, or of the build argument; none for `builtin`."""
    context = BuildContext()
    context.add_file("# syntax=docker/dockerfile:1\nFROM scratch\n", "Dockerfile")
    snapshot = context.build_snapshot()

    def asked(frontend: str, **arguments: str) -> list[str]:
        names: list[str] = []

        def resolve(name: str) -> str:
            names.append(name)
            return "sha256:1"

        options = DockerBuildOptions(buildargs=arguments)
        build_key(ImageInputs(snapshot, options, frontend), resolve)
        return names

    assert asked("dockerfile") == ["docker.io/docker/dockerfile:1"]
    assert asked("builtin") == []
    assert asked("r.example/f:1") == ["r.example/f:1"]
    assert asked("dockerfile", BUILDKIT_SYNTAX="r.example/g:1") == ["r.example/g:1"]
