"""The engine for other processes."""

from __future__ import annotations

import socket
from pathlib import Path

import docker
import pytest

from fakes import FakeDockerClient, FakeDockerEngine


def test_from_env_finds_a_served_engine(
    engine: FakeDockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker.from_env()` talks to it over a unix socket."""
    with engine.serve() as docker_host:
        monkeypatch.setenv("DOCKER_HOST", docker_host)
        client = docker.from_env()
        assert client.version()["Version"] == engine.version.version
        client.close()
    assert not Path(docker_host.removeprefix("unix://")).exists()


def test_tcp(engine: FakeDockerEngine) -> None:
    """A free port is picked and named."""
    with engine.serve("tcp://127.0.0.1:0") as docker_host:
        client = docker.DockerClient(base_url=docker_host)
        assert client.ping()
        client.close()


def test_an_address_that_is_none(engine: FakeDockerEngine) -> None:
    """Anything but unix:// and tcp:// is refused with the two forms."""
    with (
        pytest.raises(ValueError, match="neither unix://PATH nor tcp://HOST:PORT"),
        engine.serve("http://x"),
    ):
        pass


def test_closing_breaks_open_streams(engine: FakeDockerEngine) -> None:
    """A client that listens does not keep the server from ending."""
    with engine.serve() as docker_host:
        client = docker.DockerClient(base_url=docker_host)
        events = client.events()
    assert list(events) == []
    client.close()


def test_a_path_that_is_taken(engine: FakeDockerEngine, tmp_path: Path) -> None:
    """A file, a socket left behind and an engine that runs are told apart from other failures."""
    listen = f"unix://{tmp_path / 'd.sock'}"
    with engine.serve(listen), pytest.raises(OSError, match="another program listens there"):
        engine.serve(listen).__enter__()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "d.sock"))
    with pytest.raises(OSError, match="there is a file already: remove it or choose another"):
        engine.serve(listen).__enter__()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="there is a file already"):
        engine.serve(f"unix://{tmp_path / 'file'}").__enter__()
    with pytest.raises(FileNotFoundError):
        engine.serve(f"unix://{tmp_path / 'no/d.sock'}").__enter__()


def test_a_client_too_new_is_told(engine: FakeDockerEngine) -> None:
    """API versions the engine does not speak are refused in its words."""
    client = FakeDockerClient(engine, version="1.56")
    with pytest.raises(docker.errors.APIError, match=r"Maximum supported API version is 1\.55"):
        client.images.list()
    client.close()
