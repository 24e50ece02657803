"""The BuildKit daemon that follows a script, as its clients see it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from fakes import FakeDockerEngine
from fakes.buildkit import ScriptedBuild, ScriptedBuildKit
from fakes.buildkit.daemon import ScriptError
from fakes.http.messages import Headers, Request
from imagebuilders.buildkit import ControlClient, connect
from imagebuilders.buildkit.control.client import SERVICE
from imagebuilders.buildkit.proto.control_pb2 import (
    SolveRequest,
    SolveResponse,
    StatusRequest,
    StatusResponse,
    UsageRecord,
)
from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, RpcStatus


@pytest.fixture
def buildkit() -> ScriptedBuildKit:
    """A daemon for which every build succeeds."""
    return ScriptedBuildKit()


@pytest.fixture
def client(buildkit: ScriptedBuildKit) -> Iterator[ControlClient]:
    """A client of it."""
    with buildkit.serve() as address, connect(address) as client:
        yield client


def _solve(client: ControlClient, ref: str = "ref", session: str = "") -> dict[str, str]:
    request = SolveRequest(Ref=ref, Session=session, Frontend="dockerfile.v0").SerializeToString()
    answer = client.channel.unary(f"{SERVICE}Solve", request, timeout=20)
    return dict(SolveResponse.FromString(answer).ExporterResponse)


def _status(client: ControlClient, ref: str = "ref") -> list[StatusResponse]:
    call = client.channel.call(f"{SERVICE}Status")
    call.send(StatusRequest(Ref=ref).SerializeToString(), last=True)
    told = []
    while (message := call.receive(20)) is not None:
        told.append(StatusResponse.FromString(message))
    return told


def test_a_daemon_that_is_reset_remembers_nothing(
    buildkit: ScriptedBuildKit, client: ControlClient
) -> None:
    """The client that is connected finds it as it was made, with its first script."""

    def fails(build: ScriptedBuild) -> Mapping[str, str]:
        raise CallError(RpcStatus(Code.UNKNOWN, "no"))

    _solve(client)
    buildkit.script = fails
    buildkit.cache.records.append(UsageRecord(ID="kept"))
    buildkit.faults.fail("Solve", times=None)
    with pytest.raises(CallError):
        _solve(client)

    buildkit.reset()

    assert (buildkit.builds, buildkit.requests, buildkit.sessions) == ([], [], [])
    assert (buildkit.history.records, buildkit.cache.records, list(buildkit.faults)) == ([], [], [])
    assert len(buildkit.connections) == 1
    assert _solve(client)["containerimage.digest"].startswith("sha256:")
    assert len(buildkit.builds) == 1


def test_an_engine_that_is_reset_resets_its_buildkit() -> None:
    """Whatever is inside of it."""
    buildkit = ScriptedBuildKit()
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    buildkit.faults.fail("Solve")
    engine.reset()
    assert list(buildkit.faults) == []


def test_a_late_status_tells_everything_again(client: ControlClient) -> None:
    """In one message, as real daemons do."""
    assert _solve(client)["containerimage.digest"].startswith("sha256:")
    (told,) = _status(client)
    assert {vertex.name for vertex in told.vertexes} == {"[1/1] FROM scratch", "exporting to image"}


def test_a_status_of_a_build_that_nobody_asked_for(
    buildkit: ScriptedBuildKit, client: ControlClient
) -> None:
    """It waits for one, and is refused."""
    buildkit.unknown_ref_seconds = 0.01
    with pytest.raises(CallError) as caught:
        _status(client)
    assert (caught.value.status.code, caught.value.status.message) == (5, "no such job ref")


def test_a_session_that_nobody_opened(buildkit: ScriptedBuildKit, client: ControlClient) -> None:
    """The build waits for it, and fails."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        build.session.copy("context")
        return {}

    buildkit.script = script
    buildkit.session_seconds = 0.01
    with pytest.raises(CallError, match="no active session for nobody") as caught:
        _solve(client, session="nobody")
    assert caught.value.status.code == Code.DEADLINE_EXCEEDED


def test_a_script_that_fails_by_itself_is_told(
    buildkit: ScriptedBuildKit, client: ControlClient
) -> None:
    """To the client as an error, and to the test by `check`."""

    def script(build: ScriptedBuild) -> Mapping[str, str]:
        raise AssertionError("it was not asked for this")

    buildkit.script = script
    with pytest.raises(CallError, match="the script failed"):
        _solve(client)
    with pytest.raises(ScriptError, match="it was not asked for this"):
        buildkit.check()
    buildkit.crashes.clear()


def test_more_calls_can_be_served() -> None:
    """Those that the daemon has not, and others in the place of its own."""
    path = f"{SERVICE}Prune"
    buildkit = ScriptedBuildKit(handlers={path: lambda call: call.send(b"pruned")})
    with buildkit.serve() as address, connect(address) as client:
        assert client.channel.unary(path, b"", timeout=20) == b"pruned"


@pytest.mark.parametrize("path", ["/grpc", "/session"])
def test_the_engine_upgrades_to_nothing_else(path: str, buildkit: ScriptedBuildKit) -> None:
    """In the engine's own words; without a daemon it has no such endpoint."""
    engine = FakeDockerEngine("28.5", buildkit=buildkit)
    assert engine.handle(Request("POST", path)).status == 400
    refused = engine.handle(Request("POST", path, Headers([("Upgrade", "tcp")])))
    assert refused.status == 500
    assert b"protocol tcp not supported" in bytes(refused.body)  # type: ignore[arg-type]
    without = FakeDockerEngine("28.5", buildkit=False)
    assert without.handle(Request("POST", path)).status == 501


# --- what there is beside builds ---------------------------------------------


def test_builds_are_remembered(
    buildkit: ScriptedBuildKit, client: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how they ended: done, failed, or broken off by the client."""
    monkeypatch.setattr("fakes.buildkit.script._UNHEARD_SECONDS", 0.01)  # nobody asks for a status
    _solve(client, "done")

    def fail(build: ScriptedBuild) -> None:
        build.fail_step("[1/1] RUN false")

    buildkit.script = fail
    with pytest.raises(CallError):
        _solve(client, "failed")

    def wait(build: ScriptedBuild) -> None:
        begun.set()
        build.wait_cancelled()
        over.set()

    begun, over = threading.Event(), threading.Event()
    buildkit.script = wait
    call = client.channel.call(f"{SERVICE}Solve")
    call.send(SolveRequest(Ref="left", Frontend="x").SerializeToString(), last=True)
    assert begun.wait(10)
    call.cancel()
    assert over.wait(10)
    buildkit.close()
    done, failed, left = buildkit.history.records
    assert (done.Ref, done.HasField("error"), done.numTotalSteps) == ("done", False, 2)
    assert (failed.Ref, failed.error.code) == ("failed", Code.UNKNOWN)
    assert buildkit.history.blobs[failed.externalError.digest]
    assert left.Ref == "left"


def test_a_question_without_a_build_is_refused(
    buildkit: ScriptedBuildKit, client: ControlClient
) -> None:
    """The gateway's calls are about a build that is held open."""
    buildkit.gateway.build_seconds = 0.01
    with pytest.raises(CallError, match="no such job"):
        client.channel.unary(
            "/moby.buildkit.v1.frontend.LLBBridge/Ping",
            b"",
            (("buildkit-controlapi-buildid", "nothing"),),
            timeout=20,
        )


def test_calls_fail_as_planned(buildkit: ScriptedBuildKit, client: ControlClient) -> None:
    """So many of them, after so many; others do not."""
    slow = buildkit.faults.delay("*Control/Solve", 0.001, times=None)
    failing = buildkit.faults.fail("Solve", "no space left on device", code=8, skip=1)
    assert _solve(client, "one")
    with pytest.raises(CallError, match="no space left on device") as caught:
        _solve(client, "two")
    assert caught.value.status.code == 8
    assert _solve(client, "three")
    assert (slow.hits, failing.hits) == (3, 1)
    assert [build.ref for build in buildkit.builds] == ["one", "three"]


def test_a_call_that_takes_its_connection_along(buildkit: ScriptedBuildKit) -> None:
    """The next connection is served."""
    dropped = buildkit.faults.drop("Solve")
    with buildkit.serve() as address:
        with connect(address) as client, pytest.raises(TransportError):
            _solve(client)
        with connect(address) as client:
            assert _solve(client)
    assert dropped.hits == 1


def test_a_delay_ends_with_its_client(buildkit: ScriptedBuildKit) -> None:
    """Nothing waits for one that has gone."""
    delayed = buildkit.faults.delay("Solve", 3600)
    with buildkit.serve() as address:
        with connect(address) as client:
            call = client.channel.call(f"{SERVICE}Solve")
            call.send(SolveRequest(Ref="ref").SerializeToString(), last=True)
            while not delayed.hits:
                pass
        with connect(address) as client:
            buildkit.faults.clear()
            assert _solve(client)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (lambda faults: faults.fail(1), "call is a shell pattern"),
        (lambda faults: faults.fail("*", code=0), "code is 1 to 16, not 0"),
        (lambda faults: faults.fail("*", b"x"), "message is a str"),
        (lambda faults: faults.delay("*", -1), "seconds is 0 seconds or more"),
        (lambda faults: faults.drop(times=0), "times is 1 or more"),
    ],
)
def test_a_fault_that_could_never_happen_is_refused(
    buildkit: ScriptedBuildKit, plan: Callable[[Any], object], words: str
) -> None:
    """Where it is planned."""
    with pytest.raises((TypeError, ValueError), match=words):
        plan(buildkit.faults)
    assert len(buildkit.faults) == 0
