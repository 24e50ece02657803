"""The real compose plugin, with the served double as its engine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from testbed.tools import ClientTool

from fakes import FakeDockerEngine
from fakes.engine.versions import VERSIONS

_FILE = """\
services:
  db:
    image: base:1
    command: sleep infinity
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: {test: ["CMD", "true"], interval: 1s, retries: 3}
  web:
    image: base:1
    command: serve
    depends_on: {db: {condition: service_healthy}}
    networks: [back]
    ports: ["127.0.0.1::80"]
volumes: {data: {}}
networks: {back: {}}
"""
_PROJECT = "/tmp/compose-on-the-double"


def _greet(connection: socket.socket) -> None:
    connection.sendall(b"welcome")


@pytest.fixture(params=VERSIONS)
def engine(request: pytest.FixtureRequest) -> Iterator[FakeDockerEngine]:
    """An engine of each look whose service answers at its port."""
    engine = FakeDockerEngine(request.param)
    engine.seed_hub("base:1", exposed_ports=["80"])
    engine.on_container("base", command="serve", service=True, output="ready\n", answers=_greet)
    yield engine
    engine.close()


def test_a_project_from_up_to_down(
    engine: FakeDockerEngine, client_tool: Callable[[str], ClientTool]
) -> None:
    """Two services with a network, a volume, a port and a health check."""
    docker = client_tool("docker")
    docker.put_text(_FILE, f"{_PROJECT}/compose.yaml")
    with engine.serve("tcp://127.0.0.1:0") as host:

        def compose(*arguments: str) -> str:
            done = docker.run(
                "compose", *arguments, environment={"DOCKER_HOST": host}, workdir=_PROJECT
            )
            return done.stdout + done.stderr

        compose("up", "--detach")
        shown = compose("ps", "--all")
        assert "(healthy)" in shown
        address, _, port = compose("port", "web", "80").strip().rpartition(":")
        with socket.create_connection((address, int(port)), timeout=20) as connection:
            assert connection.recv(7) == b"welcome"
        assert "web-1  | ready" in compose("logs")
        assert compose("exec", "-T", "db", "echo", "hi") == "hi\n"
        assert "data" in compose("volumes")
        compose("restart", "--timeout", "0", "web")
        compose("up", "--detach", "--scale", "web=2")
        assert len(engine.containers.all()) == 3
        compose("down", "--volumes")
    assert engine.containers.all() == []
    assert engine.volumes.all() == []
    assert {network.name for network in engine.networks.all()} == {"bridge", "host", "none"}
