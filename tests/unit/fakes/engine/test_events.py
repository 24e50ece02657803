"""Which events an engine tells of, and which containers it takes for old."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.clock import ManualClock

START = 1_700_000_000


@pytest.fixture
def clock() -> ManualClock:
    """A clock that the test moves."""
    return ManualClock(float(START))


@pytest.fixture
def client(clock: ManualClock) -> Iterator[FakeDockerClient]:
    """The SDK's client on an engine that goes by the clock."""
    engine = FakeDockerEngine(version="28.5", clock=clock)
    engine.seed_image("base")
    engine.on_container(command="serve", service=True)
    client = FakeDockerClient(engine)
    yield client
    client.close()
    engine.close()


def _told(client: FakeDockerClient, **query: Any) -> list[str]:
    address = f"{client.api.base_url}/events"
    answer = client.api.get(address, params={"filters": '{"type":["container"]}', **query})
    assert answer.status_code == 200
    return [json.loads(line)["Action"] for line in answer.text.splitlines()]


@pytest.mark.parametrize(
    ("since", "until", "actions"),
    [
        (0, 100, ["create", "start", "rename"]),
        (10, 100, ["start", "rename"]),
        (11, 100, ["rename"]),
        (0, 10, ["create", "start"]),
        (0, 9, ["create"]),
        (10, 10, ["start"]),
        (21, 100, []),
    ],
)
def test_events_between_two_moments(
    client: FakeDockerClient, clock: ManualClock, since: int, until: int, actions: list[str]
) -> None:
    """Both ends belong to it, and what is past is told at once."""
    container = client.containers.create("base", "serve")
    clock.advance(10)
    container.start()
    clock.advance(10)
    container.rename("other")
    clock.advance(100)
    assert _told(client, since=START + since, until=START + until) == actions


def test_with_an_end_alone_all_before_it_is_told(
    client: FakeDockerClient, clock: ManualClock
) -> None:
    """A question that ends is about the past; one without both ends is about what comes."""
    client.containers.create("base", "serve")
    clock.advance(10)
    assert _told(client, until=START + 10) == ["create"]
    assert _told(client, until=START - 1) == []


def test_the_end_is_not_before_the_beginning(client: FakeDockerClient) -> None:
    """That is refused, and the same moment is not."""
    address = f"{client.api.base_url}/events"
    answer = client.api.get(address, params={"since": "20", "until": "10"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "`since` time (20) cannot be after `until` time (10)"
    assert client.api.get(address, params={"since": "10", "until": "10"}).status_code == 200


@pytest.mark.parametrize(
    ("pause", "actions"),
    [
        (None, ["pause", "commit", "unpause"]),
        ("1", ["pause", "commit", "unpause"]),
        ("0", ["commit"]),
        ("false", ["commit"]),
    ],
)
def test_commits_pause_what_runs(
    client: FakeDockerClient, clock: ManualClock, pause: str | None, actions: list[str]
) -> None:
    """Unless they are asked not to."""
    container = client.containers.run("base", "serve", detach=True)
    clock.advance(10)
    query = {"container": container.id} | ({} if pause is None else {"pause": pause})
    answer = client.api.post(f"{client.api.base_url}/commit", params=query, json={})
    assert answer.status_code == 201
    assert _told(client, since=START + 10, until=START + 10) == actions


def test_commits_pause_nothing_that_does_not_run(
    client: FakeDockerClient, clock: ManualClock
) -> None:
    """It stands still anyway."""
    container = client.containers.create("base", "serve")
    clock.advance(10)
    container.commit()
    assert _told(client, since=START + 10, until=START + 10) == ["commit"]


@pytest.mark.parametrize(("until", "pruned"), [(0, 0), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_only_older_containers_are_pruned(
    client: FakeDockerClient, clock: ManualClock, until: int, pruned: int
) -> None:
    """Those that were made before the moment, not at it; none that runs."""
    made = []
    for _ in range(3):
        made.append(str(client.containers.create("base", "serve").id))
        clock.advance(10)
    client.containers.run("base", "serve", detach=True)
    found = client.containers.prune(filters={"until": str(START + until)})
    assert sorted(found["ContainersDeleted"] or []) == sorted(made[:pruned])
    assert len(client.containers.list(all=True)) == 4 - pruned


def test_the_newest_256_events_can_be_asked_for(
    client: FakeDockerClient, clock: ManualClock
) -> None:
    """An engine keeps no more; a test sees all of them in `engine.events`."""
    image = client.images.get("base")
    for number in range(300):
        image.tag("other", str(number))
    clock.advance(5)
    told = list(client.api.events(since=0, until=START + 1, decode=True, filters={"event": "tag"}))
    assert len(told) == 256
    assert told[-1]["Actor"]["Attributes"]["name"] == "other:299"
