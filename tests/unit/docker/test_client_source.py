"""Where a component has its Docker client from, in this process and in others."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import docker
import pytest
import pytest_mock

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.docker.client import EngineClient, connect, engine_addresses
from imagebuilders.docker.client_source import ClientSource
from imagebuilders.exceptions import ConfigurationError


@pytest.fixture
def connections(fake_engine: FakeDockerEngine, mocker: pytest_mock.MockerFixture) -> MagicMock:
    """Counts the connections to the engine."""
    return mocker.spy(fake_engine, "serve_connection")


@pytest.fixture(params=["unix", "tcp"])
def address(
    request: pytest.FixtureRequest,
    connections: MagicMock,
    fake_engine: FakeDockerEngine,
    tmp_path: Path,
) -> Iterator[str]:
    """The address at which an engine is served."""
    listen = f"unix://{tmp_path}/e.sock" if request.param == "unix" else "tcp://127.0.0.1:0"
    with fake_engine.serve(listen) as found:
        yield found


@pytest.fixture
def given(address: str) -> Iterator[docker.DockerClient]:
    """The SDK's own client of that engine."""
    client = docker.DockerClient(base_url=address, version="1.41", timeout=7)
    client.api.headers["X-Gate"] = "open"
    yield client
    client.close()


def _never() -> docker.DockerClient:
    raise AssertionError("no client is to be made")


def test_given_client_is_used(client: FakeDockerClient) -> None:
    """It is prepared once, and stays open when the source is closed."""
    source = ClientSource(client, owner="Builder")
    prepared: list[docker.DockerClient] = []
    assert source.is_given
    assert source.client(_never, prepared.append) is client
    assert source.client(_never, prepared.append) is client
    assert prepared == [client]
    source.close()
    client.ping()


def test_client_is_made_when_it_is_needed(fake_engine: FakeDockerEngine) -> None:
    """It is kept until the source is closed; then another is made."""
    source = ClientSource(owner="Builder")
    assert not source.is_given
    source.close()  # nothing to close yet
    first = source.client(lambda: FakeDockerClient(fake_engine))
    assert source.client(_never) is first
    source.close()
    second = source.client(lambda: FakeDockerClient(fake_engine))
    assert second is not first
    source.close()


def test_client_that_cannot_be_prepared_is_not_kept(
    fake_engine: FakeDockerEngine, mocker: pytest_mock.MockerFixture
) -> None:
    """One that was made is closed; the next call tries again."""
    made = FakeDockerClient(fake_engine)
    closed = mocker.spy(made, "close")
    source = ClientSource(owner="Builder")
    with pytest.raises(ZeroDivisionError):
        source.client(lambda: made, lambda client: 1 / 0)  # type: ignore[arg-type]
    assert closed.call_count == 1
    other = FakeDockerClient(fake_engine)
    assert source.client(lambda: other) is other
    source.close()


def test_client_for_one_task(client: FakeDockerClient) -> None:
    """One that was given stays open afterwards."""
    with ClientSource(client, owner="Builder").lend() as lent:
        assert lent is client
    client.ping()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (1, r"not int\."),
        ("tcp://127.0.0.1:2375", r"not str: .*base_url"),
        (docker.DockerClient, r"not type\."),
        (object(), r"not object\."),
    ],
)
def test_client_of_the_wrong_kind(wrong: object, hint: str) -> None:
    """The error says what is taken, and whose argument it was."""
    with pytest.raises(ConfigurationError, match=rf"of a Builder is a docker.DockerClient.*{hint}"):
        ClientSource(wrong, owner="Builder")


def test_low_level_client(given: docker.DockerClient) -> None:
    """The SDK's other client is refused with the way to the right one."""
    with pytest.raises(
        ConfigurationError, match="APIClient, which is the SDK's low-level"
    ) as error:
        ClientSource(given.api, owner="Builder")
    assert error.value.key == "docker_client"


def test_deep_copy_shares_a_given_client(client: FakeDockerClient) -> None:
    """In one process there is nothing to open anew."""
    copied = copy.deepcopy(ClientSource(client, owner="Builder"))
    assert copied.client(_never) is client


def test_pickled_source_reaches_the_same_engine(
    given: docker.DockerClient, fake_engine: FakeDockerEngine
) -> None:
    """The engine's address travels, the connections do not; the copy closes what it opens."""
    source = ClientSource(given, owner="Builder")
    for travelled in (
        pickle.loads(pickle.dumps(source)),
        pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(source)))),
    ):
        opened = travelled.client(_never)
        assert opened is not given
        assert (opened.api.api_version, opened.api.timeout) == ("1.41", 7)
        opened.ping()
        assert fake_engine.requests[-1].headers["x-gate"] == "open"
        travelled.close()


def test_pickled_source_with_a_client_of_this_package(
    address: str, fake_engine: FakeDockerEngine
) -> None:
    """A registry's client may be given to a builder; its engine is reached in the same way."""
    found = connect(environ={"DOCKER_HOST": address}, docker_config=DockerConfigFile())
    travelled: ClientSource = pickle.loads(pickle.dumps(ClientSource(found, owner="Builder")))
    opened = travelled.client(_never)
    assert isinstance(opened, EngineClient)
    assert opened is not found
    assert engine_addresses(opened) == engine_addresses(found)
    opened.ping()
    travelled.close()
    found.close()


def test_pickled_source_without_a_client_makes_its_own(fake_engine: FakeDockerEngine) -> None:
    """What was made in one process is made anew in another."""
    source = ClientSource(owner="Builder")
    first = source.client(lambda: FakeDockerClient(fake_engine))
    travelled: ClientSource = pickle.loads(pickle.dumps(source))
    second = travelled.client(lambda: FakeDockerClient(fake_engine))
    assert second is not first
    travelled.close()
    source.close()


def test_pickled_source_whose_engine_cannot_be_told(client: FakeDockerClient) -> None:
    """It is not exchanged silently for whichever engine is found."""
    travelled: ClientSource = pickle.loads(pickle.dumps(ClientSource(client, owner="Builder")))
    assert travelled.is_given
    for again in (travelled, copy.deepcopy(travelled), pickle.loads(pickle.dumps(travelled))):
        with pytest.raises(ConfigurationError, match="client that was made here"):
            again.client(_never)


_FORKING = """
import os, sys, docker
from imagebuilders.docker.client_source import ClientSource

def make():
    return docker.DockerClient(base_url=sys.argv[1], version="1.41")

for given in (make(), None):
    source = ClientSource(given, owner="Builder")
    mine = source.client(make)
    mine.ping()
    child = os.fork()
    if child == 0:
        theirs = source.client(make)
        theirs.ping()
        os._exit(0 if theirs is not mine and source.client(make) is theirs else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    mine.ping()
    mine.close()
"""


def test_forked_child_opens_its_own_connection(
    connections: MagicMock, address: str, fake_engine: FakeDockerEngine
) -> None:
    """Parent and child never share one: each would read the other's answers."""
    subprocess.run([sys.executable, "-c", _FORKING, address], check=True, timeout=60)
    assert len(fake_engine.requests) == 2 * 3
    assert connections.call_count == 2 * 2
