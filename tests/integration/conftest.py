"""Fixtures of the integration tests: real engines, registries and clients."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import pytest
from testbed.bed import Testbed
from testbed.daemon import host_engine
from testbed.engine import Engine
from testbed.errors import NoTestbedError
from testbed.images import ALL_ENGINES, CONTAINERD, ENGINE_VERSIONS, PODMAN
from testbed.registry import Registry
from testbed.settings import TestbedSettings
from testbed.ssh_agent import SSHAgent
from testbed.ssh_agent import ssh_agent as running_agent
from testbed.tools import ClientTool

from imagebuilders import LocalImageBuilder

_HOST = pytest.StashKey[str]()
_HOST_ENGINE = "IMAGEBUILDERS_TEST_HOST_ENGINE"


def pytest_configure(config: pytest.Config) -> None:
    """Processes that run tests side by side share one host engine, which the first one starts."""
    is_alone = config.getoption("dist", "no") == "no" or config.getoption("collectonly")
    if is_alone or hasattr(config, "workerinput"):
        return
    opened = ExitStack()
    config.add_cleanup(opened.close)
    with suppress(NoTestbedError):  # the processes say why
        host = opened.enter_context(host_engine(TestbedSettings()))
        os.environ[_HOST_ENGINE] = host.docker_host
        opened.callback(os.environ.pop, _HOST_ENGINE)
        config.stash[_HOST] = str(host)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which engine the processes share."""
    host = config.stash.get(_HOST, "")
    return f"integration: containers run in {host}" if host else None


@pytest.fixture(scope="session", autouse=True)
def _removal_on_termination() -> Iterator[None]:
    """A terminated run removes its containers, as an interrupted one does.

    A shell starts background jobs with Ctrl-C ignored, and children inherit that.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def testbed(request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """The host engine and what is started in it; says which engine that is."""
    settings = TestbedSettings()
    try:
        with host_engine(settings) as host:
            _say(request.config, f"containers run in {host}")
            bed = Testbed(host, settings)
            try:
                yield bed
            finally:
                bed.close()
    except NoTestbedError as reason:
        _unavailable(request.config, reason, required=settings.require)


def _unavailable(config: pytest.Config, reason: NoTestbedError, *, required: bool) -> None:
    if required:
        pytest.exit(f"integration tests cannot run: {reason}", returncode=1)
    _say(config, f"skipped, {reason}")
    pytest.skip(str(reason))


def _say(config: pytest.Config, text: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"integration: {text}")


@pytest.fixture(scope="session")
def engine(testbed: Testbed) -> Engine:
    """The newest engine."""
    return testbed.engine(ENGINE_VERSIONS[-1])


@pytest.fixture(scope="session", params=ENGINE_VERSIONS)
def every_engine(request: pytest.FixtureRequest, testbed: Testbed) -> Engine:
    """Each engine in turn: the test runs once per series."""
    return testbed.engine(request.param)


@pytest.fixture(scope="session", params=ALL_ENGINES)
def buildkit_engine(request: pytest.FixtureRequest, testbed: Testbed) -> Engine:
    """Each engine in turn, the newest also with the image store of containerd."""
    return testbed.engine(request.param)


@pytest.fixture(scope="session")
def containerd_engine(testbed: Testbed) -> Engine:
    """The newest engine with the image store of containerd."""
    return testbed.engine(CONTAINERD)


@pytest.fixture(scope="session")
def engine_20_10(testbed: Testbed) -> Engine:
    """Docker Engine 20.10."""
    return testbed.engine("20.10")


@pytest.fixture(scope="session")
def engine_26_1(testbed: Testbed) -> Engine:
    """Docker Engine 26.1."""
    return testbed.engine("26.1")


@pytest.fixture(scope="session")
def engine_28_5(testbed: Testbed) -> Engine:
    """Docker Engine 28.5."""
    return testbed.engine("28.5")


@pytest.fixture(scope="session")
def podman(testbed: Testbed) -> Engine:
    """Podman in the place of a Docker Engine."""
    return testbed.engine(PODMAN)


@pytest.fixture
def disposable_engine(testbed: Testbed) -> Iterator[Engine]:
    """An engine of the test's own, to be killed or broken; takes about two seconds."""
    with testbed.disposable_engine(ENGINE_VERSIONS[-1]) as engine:
        yield engine


@pytest.fixture(scope="session")
def registry(engine: Engine) -> Registry:
    """A registry without login, reached by the newest engine and by the test alike."""
    return engine.registry


@pytest.fixture(scope="session")
def registry_with_auth(engine: Engine) -> Registry:
    """A registry that asks for its `.credentials`."""
    return engine.registry_with_auth


@pytest.fixture(scope="session")
def busybox_image(engine: Engine) -> str:
    """The name of a small base image that every engine has."""
    return engine.busybox


@pytest.fixture(scope="session")
def client_tool(testbed: Testbed) -> Callable[[str], ClientTool]:
    """Gives crane, oras, skopeo, buildah, podman or docker by name."""
    return testbed.tool


@pytest.fixture
def ssh_agent(testbed: Testbed) -> Iterator[SSHAgent]:
    """An SSH agent without keys."""
    with running_agent(testbed.settings) as agent:
        yield agent


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own Docker configuration out of the tests."""
    config = tmp_path / "docker-config"
    config.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    return config / "config.json"


@pytest.fixture
def builder(every_engine: Engine) -> LocalImageBuilder:
    """Give a builder that builds classically, for each engine in turn."""
    return LocalImageBuilder(docker_client=every_engine.client, builder="classic")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give an empty folder."""
    root = tmp_path / "root"
    root.mkdir()
    return root
