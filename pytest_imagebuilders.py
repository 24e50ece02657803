"""The pytest plugin: the doubles as fixtures.

pytest loads this in every test run of an environment that has the package, so it imports
no double before a test asks for one. The doubles come from `imagebuilders.testing`, for a
project may have a folder `fakes` of its own, which must stay importable.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from typing import TypeAlias

    from fakes import (
        FakeAWS,
        FakeBuildKit,
        FakeDockerClient,
        FakeDockerEngine,
        FakeRegistry,
        InMemoryArtifactStore,
    )
    from fakes.engine.image_tree import ImageTree
    from imagebuilders import Stack

    FakeRegistryFactory: TypeAlias = Callable[..., FakeRegistry]
    FakeDockerEngineFactory: TypeAlias = Callable[..., FakeDockerEngine]
    FakeDockerClientFactory: TypeAlias = Callable[..., FakeDockerClient]
    InMemoryArtifactStoreFactory: TypeAlias = Callable[..., InMemoryArtifactStore]

_MARKERS = (
    "fake_registry(**options): options of `fakes.FakeRegistry` for the test's fake_registry",
    "fake_docker_engine(**options): options of `fakes.FakeDockerEngine` for the test's "
    "fake_docker_engine; with assert_all_rules_used=True a rule that nothing met fails the test; "
    "registries may name fixtures, as in registries={'ghcr.io': 'fake_registry'}",
    "fake_buildkit(**options): options of `fakes.FakeBuildKit` for the test's fake_buildkit",
    "in_memory_artifact_store(**options): options of `fakes.InMemoryArtifactStore` for the "
    "test's in_memory_artifact_store",
)

_OF_ENGINE = ("assert_all_rules_used",)
"""Options of the marker `fake_docker_engine` that are no options of the engine."""

_ENGINE: pytest.StashKey[FakeDockerEngine] = pytest.StashKey()

_OPTIONS_OF = {
    "fake_docker_client": ("fake_docker_engine",),
    "fake_docker_host": ("fake_docker_engine",),
    "fake_buildkit_host": ("fake_buildkit",),
    "image_tree": ("fake_docker_engine",),
    "fake_aws": ("fake_docker_engine",),
    "fake_stack": ("fake_docker_engine", "fake_registry", "in_memory_artifact_store"),
}
"""The fixtures that no marker is named after, and the markers whose options reach them."""

# A contract's own asserts explain themselves like those of the test class that inherits it.
pytest.register_assert_rewrite("fakes.contracts", "_imagebuilders_fakes.contracts")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, so that `--strict-markers` accepts them."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture
def fake_registry(request: pytest.FixtureRequest) -> Iterator[FakeRegistry]:
    """A container registry that listens on the loopback interface."""
    with _marked_double(request, "FakeRegistry", "fake_registry") as registry:
        yield registry


@pytest.fixture(scope="session")
def fake_registry_factory() -> Iterator[FakeRegistryFactory]:
    """Makes running registries, each closed at the end of the session."""
    with ExitStack() as registries:

        def make(**options: Any) -> FakeRegistry:
            registry: FakeRegistry = registries.enter_context(_double("FakeRegistry")(**options))
            return registry

        yield make


@pytest.fixture
def fake_buildkit(request: pytest.FixtureRequest) -> Iterator[FakeBuildKit]:
    """A BuildKit daemon in memory."""
    buildkit: FakeBuildKit = _marked_double(request, "FakeBuildKit", "fake_buildkit")
    yield buildkit
    buildkit.close()
    buildkit.check()


@pytest.fixture
def fake_buildkit_host(
    request: pytest.FixtureRequest,
    fake_buildkit: FakeBuildKit,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The address of that daemon, served on a socket; `BUILDKIT_HOST` is set to it."""
    _no_marker(request)
    with fake_buildkit.serve() as address:
        monkeypatch.setenv("BUILDKIT_HOST", address)
        yield address


@pytest.fixture
def fake_docker_engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """A Docker Engine in memory."""
    engine: FakeDockerEngine = _marked_double(
        request, "FakeDockerEngine", "fake_docker_engine", own=_OF_ENGINE
    )
    request.node.stash[_ENGINE] = engine
    yield engine
    engine.close()
    engine.crashes.check()
    if _options(request, "fake_docker_engine").get("assert_all_rules_used"):
        engine.assert_all_rules_used()


@pytest.fixture(scope="session")
def fake_docker_engine_factory() -> Iterator[FakeDockerEngineFactory]:
    """Makes engines."""
    engines: list[FakeDockerEngine] = []

    def make(**options: Any) -> FakeDockerEngine:
        engine: FakeDockerEngine = _double("FakeDockerEngine")(**options)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.close()
    for engine in engines:
        engine.crashes.check()


@pytest.fixture
def fake_docker_client(
    request: pytest.FixtureRequest, fake_docker_engine: FakeDockerEngine
) -> Iterator[FakeDockerClient]:
    """The Docker SDK's own client, connected to the test's fake_docker_engine."""
    _no_marker(request)
    client: FakeDockerClient = _double("FakeDockerClient")(fake_docker_engine)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="session")
def fake_docker_client_factory() -> Iterator[FakeDockerClientFactory]:
    """Makes clients of an engine (a fresh one by default), closed at the end of the session."""
    with ExitStack() as clients:

        def make(engine: FakeDockerEngine | None = None, **options: Any) -> FakeDockerClient:
            client: FakeDockerClient = _double("FakeDockerClient")(engine, **options)
            clients.callback(client.close)
            return client

        yield make


@pytest.fixture
def fake_docker_host(
    request: pytest.FixtureRequest,
    fake_docker_engine: FakeDockerEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """`DOCKER_HOST` of the test and the processes it starts: the test's fake_docker_engine."""
    _no_marker(request)
    for variable in import_module("imagebuilders.testing").submodule("engine.environment").HIDING:
        monkeypatch.delenv(variable, raising=False)
    with fake_docker_engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        yield docker_host


@pytest.fixture
def fake_aws(
    request: pytest.FixtureRequest, fake_docker_engine: FakeDockerEngine
) -> Iterator[FakeAWS]:
    """CodeBuild, S3, CloudWatch Logs and ECR under one address; the test's engine builds."""
    _no_marker(request)
    with _double("FakeAWS")(fake_docker_engine) as aws:
        yield aws


class ImageTreeOf(Protocol):
    """What the fixture `image_tree` gives."""

    def __call__(self, name: str, *, below: str = "") -> ImageTree:
        """The files of an image of the test's fake_docker_engine, or of a folder in it."""
        ...


@pytest.fixture
def image_tree(request: pytest.FixtureRequest, fake_docker_engine: FakeDockerEngine) -> ImageTreeOf:
    """Gives the files of an image of the test's fake_docker_engine, for assertions."""
    _no_marker(request)
    module = import_module("imagebuilders.testing").submodule("engine.image_tree")

    def look(name: str, *, below: str = "") -> ImageTree:
        tree: ImageTree = module.ImageTree(fake_docker_engine, name, below=below)
        return tree

    return look


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Say in the report of a failing test which base images its engine missed."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    engine = item.stash.get(_ENGINE, None)
    if engine is None or not report.failed:
        return
    if missed := list(dict.fromkeys(engine.registries.hub.missed)):
        calls = ", ".join(f"fake_docker_engine.seed_hub({name!r})" for name in missed)
        report.sections.append(("fake_docker_engine", f"not seeded, but asked for; add {calls}"))


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain a comparison with the files of an image."""
    # A view to compare exists only where its module was loaded, by either name of our package.
    for package in ("_imagebuilders_fakes", "fakes"):
        if f"{package}.images.view" not in sys.modules:
            continue
        explain = import_module(f"{package}.images.explanations").explain
        if (lines := explain(op, left, right)) is not None:
            explained: list[str] = lines
            return explained
    return None


@pytest.fixture
def in_memory_artifact_store(request: pytest.FixtureRequest) -> InMemoryArtifactStore:
    """An artifact store that keeps its files in memory."""
    store: InMemoryArtifactStore = _marked_double(
        request, "InMemoryArtifactStore", "in_memory_artifact_store"
    )
    return store


@pytest.fixture(scope="session")
def in_memory_artifact_store_factory() -> InMemoryArtifactStoreFactory:
    """Makes artifact stores."""

    def make(**options: Any) -> InMemoryArtifactStore:
        store: InMemoryArtifactStore = _double("InMemoryArtifactStore")(**options)
        return store

    return make


@pytest.fixture
def fake_stack(
    request: pytest.FixtureRequest,
    fake_registry: FakeRegistry,
    fake_docker_client: FakeDockerClient,
    in_memory_artifact_store: InMemoryArtifactStore,
) -> Iterator[Stack]:
    """The active stack of the test: a local builder over the test's other doubles.

    It logs in to a fake_registry that has users as the first of them.
    """
    _no_marker(request)
    from imagebuilders import LocalImageBuilder, Stack
    from imagebuilders.container_registries import DefaultContainerRegistry

    users = _options(request, "fake_registry").get("users") or {}
    username, password = next(iter(users.items()), (None, None))
    registry = DefaultContainerRegistry(
        uri=fake_registry.address,
        docker_client=fake_docker_client,
        username=username,
        password=password,
    )
    stack = Stack(
        image_builder=LocalImageBuilder(docker_client=fake_docker_client),
        artifact_store=in_memory_artifact_store,
        container_registry=registry,
        name="fake",
    )
    with stack.activate():
        yield stack


def _options(request: pytest.FixtureRequest, marker_name: str) -> dict[str, Any]:
    marker = request.node.get_closest_marker(marker_name)
    if marker is None:
        return {}
    if marker.args:
        raise pytest.UsageError(
            f"{request.node.nodeid}: the marker {marker_name} takes keyword arguments only"
        )
    return dict(marker.kwargs)


def _no_marker(request: pytest.FixtureRequest) -> None:
    """Refuse a marker of the fixture's name, which would be without effect."""
    name = request.fixturename
    if name and request.node.get_closest_marker(name) is not None:
        markers = ", ".join(f"@pytest.mark.{marker}(…)" for marker in _OPTIONS_OF[name])
        raise pytest.UsageError(
            f"{request.node.nodeid}: the fixture {name} has no marker; its options are those of "
            f"{markers}"
        )


def _marked_double(
    request: pytest.FixtureRequest, name: str, marker_name: str, own: Sequence[str] = ()
) -> Any:
    """A double with the options of the test's marker, or an error that names the marker.

    Args:
        request: of the fixture.
        name: of the double's class.
        marker_name: of the marker.
        own: options of the fixture itself, which the double does not get.
    """
    options = {k: v for k, v in _options(request, marker_name).items() if k not in own}
    if isinstance(registries := options.get("registries"), dict):
        options["registries"] = {
            host: _fixture_or(request, place) for host, place in registries.items()
        }
    make = _double(name)
    parameters = signature(make).parameters
    known = ", ".join([*parameters, *own])
    unknown = [repr(option) for option in options if option not in parameters]
    if unknown and not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        raise pytest.UsageError(
            f"{request.node.nodeid}: the marker {marker_name} has an option that `fakes.{name}` "
            f"does not take: {', '.join(unknown)}. Its options: {known}"
        )
    try:
        return make(**options)
    except (TypeError, ValueError) as error:
        if not options:
            raise
        raise pytest.UsageError(
            f"{request.node.nodeid}: the marker {marker_name}: {error}"
        ) from error


def _fixture_or(request: pytest.FixtureRequest, place: object) -> object:
    """The value of a fixture, if that is what is named: an address is no identifier."""
    if isinstance(place, str) and place.isidentifier() and place != "localhost":
        return request.getfixturevalue(place)
    return place


def _double(name: str) -> Any:
    """A class of our own `fakes`, whatever else has that name."""
    return getattr(import_module("imagebuilders.testing"), name)
