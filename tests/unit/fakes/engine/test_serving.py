"""The engine for other processes."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.__main__ import main


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


def test_run_command_sets_docker_host(tmp_path: Path) -> None:
    """`python -m fakes run` gives a program an engine, and has its exit code."""
    seen = tmp_path / "seen"
    script = f'test -S "${{DOCKER_HOST#unix://}}" && echo "$DOCKER_HOST" > {seen}; exit 3'
    result = CliRunner().invoke(main, ["run", "--", "sh", "-c", script])
    assert result.exit_code == 3
    assert seen.read_text().startswith("unix://")


def test_run_command_without_such_a_program() -> None:
    """A program that is not there is wrong usage."""
    result = CliRunner().invoke(main, ["run", "--", "/no/such/program"])
    assert result.exit_code == 2
    assert "cannot run /no/such/program" in result.output


def test_a_client_too_new_is_told(engine: FakeDockerEngine) -> None:
    """API versions the engine does not speak are refused in its words."""
    client = FakeDockerClient(engine, version="1.51")
    with pytest.raises(docker.errors.APIError, match=r"Maximum supported API version is 1\.41"):
        client.images.list()
    client.close()
