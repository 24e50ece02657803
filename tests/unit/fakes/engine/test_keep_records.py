"""An engine that lives long: what it remembers has a bound, and nothing else grows."""

from __future__ import annotations

import gc
import io
import itertools
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import docker
import pytest
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from fakes.contracts.engine.context import pack
from fakes.engine.containers import execs
from fakes.engine.registries import layer_sources
from fakes.registry import collection

_CONTEXT = pack({"Dockerfile": 'FROM base\nCOPY a /a\nRUN make\nCMD ["echo", "x"]\n', "a": "a"})


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine that remembers five of each."""
    engine = FakeDockerEngine(keep_records=5)
    engine.seed_image("base")
    return engine


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that does the same."""
    with FakeRegistry(keep_records=5) as registry:
        yield registry


def _round(client: FakeDockerClient, name: str) -> None:
    client.images.build(fileobj=io.BytesIO(_CONTEXT), custom_context=True, tag=name, rm=True)
    client.images.push(name)
    container = client.containers.run(name, detach=True)
    container.wait()
    assert container.logs() == b"x\n"
    container.remove()
    client.images.remove(name, force=True)


def test_the_newest_records_are_kept(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """Requests, builds and events; of each so many."""
    for number in range(7):
        client.images.build(
            fileobj=io.BytesIO(_CONTEXT), custom_context=True, tag=f"app:{number}", rm=True
        )
    assert [record.tags for record in engine.builds] == [[f"app:{n}"] for n in range(2, 7)]
    assert len(engine.requests) == len(engine.events) == 5
    assert engine.events[-1]["Actor"]["Attributes"]["name"] == "app:6"
    assert engine.requests[-1].path.endswith("/json")


def test_nothing_is_forgotten_without_a_bound() -> None:
    """As tests of the usual length want it."""
    engine = FakeDockerEngine()
    for _ in range(300):
        engine.event_log.add("image", "tag", "x", {})
    assert len(engine.events) == 300


def test_zero_records_are_a_bound_too() -> None:
    """Nothing is remembered then."""
    engine = FakeDockerEngine(keep_records=0)
    engine.seed_image("base")
    client = FakeDockerClient(engine)
    client.images.get("base").tag("other")
    assert (engine.requests, engine.builds, engine.events) == ([], [], [])
    client.close()


def _ids(told: Iterator[dict[str, Any] | None], count: int) -> list[str]:
    return [event["id"] if event else "" for event in islice(told, count)]


def test_events_that_are_forgotten_are_not_told(engine: FakeDockerEngine) -> None:
    """Who asks for those since long ago gets what is left; who listens gets what is new."""
    log = engine.event_log
    for number in range(8):
        log.add("image", "tag", str(number), {})
    since_long_ago, listening = log.follow(0, 0), log.follow(len(log), 0)
    assert _ids(since_long_ago, 6) == [*"34567", ""]
    assert _ids(listening, 1) == [""]
    log.add("image", "tag", "8", {})
    assert _ids(since_long_ago, 1) == _ids(listening, 1) == ["8"]


def test_the_bound_holds_after_a_reset(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """It belongs to the engine, not to what the engine remembers."""
    engine.reset()
    for _ in range(7):
        client.ping()
    assert len(engine.requests) == 5


def test_nothing_grows_from_round_to_round(
    client: FakeDockerClient, registry: FakeRegistry, mocker: MockerFixture
) -> None:
    """Of images, containers, layers and pushes that are gone nothing is left."""
    mocker.patch.object(collection, "_ALWAYS_KEPT", 5)
    name = f"{registry.address}/app:1"
    sizes = []
    for _ in range(3):
        for _ in range(10):
            _round(client, name)
        gc.collect()
        sizes.append(_own_objects())
    # What is made once may come late; less than one object a round is none.
    grown = [after - before for before, after in itertools.pairwise(sizes)]
    assert min(grown) < 10


def _own_objects() -> int:
    """Count the objects of the doubles and their client; coverage keeps some for each thread."""
    owners = {"fakes", "imagebuilders", "docker", "requests", "urllib3"}
    modules = (str(getattr(type(each), "__module__", "")) for each in gc.get_objects())
    return sum(module.partition(".")[0] in owners for module in modules)


def test_commands_that_ended_long_ago_are_forgotten(
    engine: FakeDockerEngine, client: FakeDockerClient, mocker: MockerFixture
) -> None:
    """As an engine forgets them after some minutes."""
    mocker.patch.object(execs, "_KEPT", 2)
    engine.on_container(command="serve", service=True)
    container = client.containers.run("base", "serve", detach=True)
    ids = [client.api.exec_create(container.id, ["true"])["Id"] for _ in range(3)]
    for each in ids:
        client.api.exec_start(each)
    with pytest.raises(docker.errors.NotFound, match="No such exec instance"):
        client.api.exec_inspect(ids[0])
    assert client.api.exec_inspect(ids[1])["ExitCode"] == 0
    engine.close()


def test_places_of_layers_are_forgotten(
    engine: FakeDockerEngine,
    client: FakeDockerClient,
    registry: FakeRegistry,
    mocker: MockerFixture,
) -> None:
    """A layer whose place is forgotten is found in the registry all the same."""
    mocker.patch.object(layer_sources, "_MOST_LAYERS", 1)
    names = [f"{registry.address}/app:{number}" for number in range(3)]
    for number, name in enumerate(names):
        engine.seed_image(name, files={"/a": str(number)})
        client.images.push(name)
    client.images.push(names[0])
    assert registry.tags("app") == ["0", "1", "2"]
    assert json.loads(registry.manifest("app:0").content)["layers"]


@pytest.mark.parametrize(
    ("value", "error"), [(-1, ValueError), ("5", TypeError), (True, TypeError)]
)
def test_a_bound_that_is_none_is_refused(value: object, error: type[Exception]) -> None:
    """Where it is given."""
    with pytest.raises(error, match="keep_records"):
        FakeDockerEngine(keep_records=value)  # type: ignore[arg-type]
    with pytest.raises(error, match="keep_records"):
        FakeRegistry(keep_records=value)  # type: ignore[arg-type]
