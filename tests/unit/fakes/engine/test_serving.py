"""The engine for other processes, and for many clients at once."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.__main__ import main
from fakes.contracts.engine.context import pack


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


def test_many_clients_at_once(engine: FakeDockerEngine) -> None:
    """Sixteen clients build, tag, list, remove and prune; every state they leave is whole."""
    failures: list[BaseException] = []

    def work(number: int) -> None:
        client = FakeDockerClient(engine)
        try:
            for turn in range(4):
                context = pack(
                    {
                        "Dockerfile": "FROM scratch\nCOPY a /a\nENV x=1\nCOPY b /b",
                        "a": "same",
                        "b": f"{number % 4}.{turn}",
                    }
                )
                image, _ = client.images.build(
                    fileobj=io.BytesIO(context), custom_context=True, tag=f"own{number}:{turn}"
                )
                image.tag("shared", "latest")
                client.images.list(all=True)
                if turn % 2:
                    client.images.prune()
                    client.images.remove(f"own{number}:{turn}", force=True)
        except BaseException as error:
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = (docker.errors.ImageNotFound, docker.errors.APIError)
    assert [error for error in failures if not isinstance(error, expected)] == []
    for key, image_id in engine.images.references().items():
        image = engine.images.get(image_id)
        assert image is not None, f"{key} points at nothing"
        assert image.tree["a"].data == b"same"
        assert [layer.diff_id for layer in image.layers] == image.parsed["rootfs"]["diff_ids"]
