"""What the BuildKit double keeps, as its clients see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from buildkit_builds import Build

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from fakes.buildkit.cache import ScriptedCache
from fakes.shell import Process
from imagebuilders.buildkit import ControlClient
from imagebuilders.buildkit.control.client import SERVICE
from imagebuilders.buildkit.engine import engine_buildkit
from imagebuilders.buildkit.proto import control_pb2
from imagebuilders.docker.build_engine import GivenEngine


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[ControlClient]:
    """A client of the engine's BuildKit."""
    with closing(FakeDockerClient(engine)) as sdk, engine_buildkit(GivenEngine(sdk)) as control:
        yield control


def _usage(client: ControlClient, *filters: str) -> list[control_pb2.UsageRecord]:
    request = control_pb2.DiskUsageRequest(filter=filters).SerializeToString()
    answer = client.channel.unary(f"{SERVICE}DiskUsage", request, timeout=10)
    return list(control_pb2.DiskUsageResponse.FromString(answer).record)


def _prune(client: ControlClient, *filters: str) -> list[str]:
    call = client.channel.call(f"{SERVICE}Prune")
    request = control_pb2.PruneRequest(filter=filters, all=True)
    call.send(request.SerializeToString(), last=True)
    removed = []
    while (message := call.receive(10)) is not None:
        removed.append(control_pb2.UsageRecord.FromString(message).Description)
    return removed


def _write(process: Process) -> None:
    process.files["/cache/f"] = b"12345"


def test_steps_folders_and_caches_are_kept(
    engine: FakeDockerEngine, build: Build, client: ControlClient
) -> None:
    """Each has a record with its size, and how often it was used."""
    engine.on_run("fill", _write)
    text = "FROM base:1\nCOPY f /\nRUN --mount=type=cache,target=/cache fill\n"
    for _ in range(2):
        build(text, {"f": "123"})
    found = {(record.RecordType, record.Description): record for record in _usage(client)}
    copied = found["regular", "[stage-0 2/3] COPY f /"]
    assert (copied.Size, copied.UsageCount) == (3, 2)
    assert found["exec.cachemount", 'cached mount /cache with id "/cache"'].Size == 5
    assert ("source.local", "local source for context") in found
    assert [record.RecordType for record in _usage(client, "type==exec.cachemount")] == [
        "exec.cachemount"
    ]
    assert len(_usage(client, "type!=source.local", "")) == len(found)
    assert {record.RecordType for record in _usage(client, "type~=^source,mutable==true")} == {
        "source.local"
    }


def test_what_is_pruned_is_made_anew(
    engine: FakeDockerEngine, build: Build, client: ControlClient
) -> None:
    """By a filter, or all of it."""
    engine.on_run("fill", _write)
    text = "FROM base:1\nCOPY f /\nRUN --mount=type=cache,target=/cache fill\n"
    build(text, {"f": "123"})
    assert _prune(client, "type==exec.cachemount") == ['cached mount /cache with id "/cache"']
    assert len(_prune(client)) > 3
    assert _usage(client) == []
    build(text)
    assert not any(step.cached for step in engine.builds[-1].steps)


def test_a_record_of_each_build(build: Build, client: ControlClient) -> None:
    """The history has it, with its steps."""
    build("FROM base:1\nRUN x\n")
    call = client.channel.call(f"{SERVICE}ListenBuildHistory")
    call.send(control_pb2.BuildHistoryRequest(EarlyExit=True).SerializeToString(), last=True)
    message = call.receive(10)
    record = control_pb2.BuildHistoryEvent.FromString(message or b"").record
    assert (record.Frontend, record.numCompletedSteps > 0) == ("dockerfile.v0", True)
    assert record.ExporterResponse["image.name"] == "docker.io/library/app:1"


def test_records_of_a_script() -> None:
    """What is pruned is gone; what is in use, or of the daemon's own, stays."""
    cache = ScriptedCache()
    kinds = {"old": "regular", "used": "regular", "own": "internal", "syntax": "frontend"}
    for name, kind in kinds.items():
        used = name == "used"
        cache.records.append(control_pb2.UsageRecord(ID=name, RecordType=kind, InUse=used))
    removed = cache.prune(control_pb2.PruneRequest())
    assert [record.ID for record in removed] == ["old"]
    assert [record.ID for record in cache.current()] == ["used", "own", "syntax"]
    assert len(cache.prune(control_pb2.PruneRequest(all=True))) == 2
    assert [record.ID for record in cache.current()] == ["used"]
    assert len(cache.prunes) == 2
    cache.reset()
    assert (cache.records, cache.prunes) == ([], [])


def test_each_step_takes_what_is_below_it(engine: FakeDockerEngine, build: Build) -> None:
    """The vertices that are told are a chain, as the steps of a stage are."""
    build("FROM base:1\nCOPY f /a\nRUN one\nRUN two\n", {"f": "1"})
    assert isinstance(engine.buildkit, ScriptedBuildKit)
    told = engine.buildkit.builds[-1].told
    found = {vertex.name: vertex for status in told for vertex in status.vertexes}
    base, copy, one, two = (
        next(vertex for name, vertex in found.items() if f"{number}/4]" in name)
        for number in range(1, 5)
    )
    assert base.digest in copy.inputs
    assert list(one.inputs) == [copy.digest]
    assert list(two.inputs) == [one.digest]
    assert len({base.digest, copy.digest, one.digest, two.digest}) == 4
