"""What lists of containers say: how long ago, and which ports a filter finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(1_700_000_000.0)


@pytest.fixture
def client(clock: ManualClock) -> Iterator[FakeDockerClient]:
    """The SDK's client on an engine that goes by the clock."""
    engine = FakeDockerEngine(version="28.5", clock=clock)
    engine.seed_image("base")
    engine.on_container(command="serve", service=True)
    engine.on_container(command="fail", exit_code=3)
    client = FakeDockerClient(engine)
    yield client
    client.close()
    engine.close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (0.9, "Less than a second"),
        (1, "1 second"),
        (1.9, "1 second"),
        (2, "2 seconds"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (5399, "About an hour"),
        (5400, "2 hours"),
        (36_000, "10 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86_400, "13 days"),
        (14 * 86_400, "2 weeks"),
        (59 * 86_400, "8 weeks"),
        (60 * 86_400, "2 months"),
        (729 * 86_400, "24 months"),
        (730 * 86_400, "2 years"),
    ],
)
def test_ages(client: FakeDockerClient, clock: ManualClock, seconds: float, words: str) -> None:
    """Of what runs, what ended and what waits, in the words of Docker's units."""
    client.containers.run("base", "serve", detach=True, name="up")
    client.containers.run("base", "serve", detach=True, name="held").pause()
    client.containers.run("base", "fail", detach=True, name="down").wait()
    client.containers.create("base", "serve", name="new")
    clock.advance(seconds)
    found = {each["Names"][0]: each["Status"] for each in client.api.containers(all=True)}
    assert found == {
        "/up": f"Up {words}",
        "/held": f"Up {words} (Paused)",
        "/down": f"Exited (3) {words} ago",
        "/new": "Created",
    }


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"publish": "8080"}, ["both"]),
        ({"publish": "8081/tcp"}, ["both"]),
        ({"publish": "8081/udp"}, []),
        ({"publish": "8081-8090"}, ["both", "web"]),
        ({"publish": "8082-8089"}, []),
        ({"publish": "8091-9000"}, []),
        ({"expose": "53/udp"}, ["both"]),
        ({"expose": "54/udp"}, []),
        ({"expose": "80"}, ["both", "web"]),
        ({"expose": ["53/udp", "9999"]}, ["both"]),
    ],
)
def test_ports_in_filters(
    client: FakeDockerClient, filters: dict[str, str | list[str]], names: list[str]
) -> None:
    """A number, a range, and a protocol that is TCP if none is said."""
    client.containers.run("base", "serve", detach=True, name="plain")
    client.containers.run("base", "serve", detach=True, name="web", ports={"80": 8090})
    client.containers.run(
        "base", "serve", detach=True, name="both", ports={"80": 8080, "81": 8081, "53/udp": None}
    )
    found = client.api.containers(all=True, filters=filters)
    assert sorted(each["Names"][0][1:] for each in found) == names
