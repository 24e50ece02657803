"""The container of Testcontainers that removes others: its port, its filters, its end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine

_LABELS = {"org.testcontainers.session-id": "abc"}
_PATIENCE = 10


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


@pytest.fixture
def start(client: FakeDockerClient, engine: FakeDockerEngine) -> Iterator[Callable[..., Any]]:
    """Starts Ryuk as a client of Testcontainers does; the container."""

    def run(reconnection: str = "10ms", tag: str = "0.8.1") -> Any:
        return client.containers.run(
            f"testcontainers/ryuk:{tag}",
            detach=True,
            ports={"8080/tcp": None},
            environment={
                "RYUK_RECONNECTION_TIMEOUT": reconnection,
                "RYUK_CONNECTION_TIMEOUT": "5s",
            },
        )

    yield run
    engine.close()


def _connected(ryuk: Any) -> socket.socket:
    ryuk.reload()
    port = int(ryuk.ports["8080/tcp"][0]["HostPort"])
    return socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)


def _things(client: FakeDockerClient, labels: dict[str, str]) -> tuple[Any, Any, Any]:
    """A container with an own volume, a network and a volume that have labels."""
    network = client.networks.create(f"net-{len(labels)}", labels=labels)
    volume = client.volumes.create(f"vol-{len(labels)}", labels=labels)
    container = client.containers.run("app", labels=labels, detach=True, network=network.name)
    return container, network, volume


@pytest.fixture(autouse=True)
def _app(engine: FakeDockerEngine) -> None:
    engine.seed_image("app")
    engine.on_container("app", service=True)


@pytest.mark.parametrize("tag", ["0.5.1", "0.13.0", "latest"])
def test_any_tag_is_there(start: Callable[..., Any], tag: str) -> None:
    """Clients of each version have their own, and wait for its log to say that it started."""
    ryuk = start(tag=tag)
    _until(lambda: b" Started!" in ryuk.logs())
    ryuk.reload()
    assert ryuk.status == "running"


def test_what_was_named_goes_with_the_last_client(
    client: FakeDockerClient, start: Callable[..., Any]
) -> None:
    """Containers, networks and volumes with the labels are removed, others are not."""
    ryuk = start()
    container, network, volume = _things(client, _LABELS)
    other, _, _ = _things(client, {})
    with _connected(ryuk) as connection:
        connection.sendall(b"label=org.testcontainers.session-id=abc\r\n")
        assert connection.recv(10) == b"ACK\n"
        assert {each.id for each in client.containers.list()} >= {container.id, other.id}
    ryuk.wait()
    assert [each.id for each in client.containers.list()] == [other.id]
    assert container.id not in {each.id for each in client.containers.list(all=True)}
    assert network.id not in {each.id for each in client.networks.list()}
    assert volume.name not in {each.name for each in client.volumes.list()}
    assert b"Removed 1 container(s), 1 network(s), 1 volume(s)" in ryuk.logs()


def test_it_waits_for_a_client_that_comes_again(
    client: FakeDockerClient, start: Callable[..., Any]
) -> None:
    """Nothing goes while somebody is connected, or may be again."""
    ryuk = start("30s")
    container, _, _ = _things(client, _LABELS)
    with _connected(ryuk) as first:
        first.sendall(b"label=org.testcontainers.session-id=abc\n")
        assert first.recv(10) == b"ACK\n"
    with _connected(ryuk) as second:
        second.sendall(b"label=other=1\n")
        assert second.recv(10) == b"ACK\n"
        assert container.id in {each.id for each in client.containers.list()}
    ryuk.reload()
    assert ryuk.status == "running"


def test_a_rule_of_the_test_goes_before(
    client: FakeDockerClient, engine: FakeDockerEngine, start: Callable[..., Any]
) -> None:
    """Whoever says what the image does is heard."""
    engine.on_container("testcontainers/ryuk*", output="mine\n")
    ryuk = start()
    assert ryuk.wait()["StatusCode"] == 0
    assert ryuk.logs() == b"mine\n"


def test_it_runs_where_containers_without_rules_are_refused() -> None:
    """The double knows what it does, also after a reset."""
    engine = FakeDockerEngine(container_policy="refuse")
    engine.reset()
    client = FakeDockerClient(engine)
    ryuk = client.containers.run("testcontainers/ryuk:0.8.1", detach=True)
    ryuk.reload()
    assert ryuk.status == "running"
    engine.close()
    client.close()
