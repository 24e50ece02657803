"""The builds that a daemon remembers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_mock import MockerFixture

from fakes.buildkit import ScriptedBuild, ScriptedBuildKit, SourceLines
from imagebuilders.buildkit import connect
from imagebuilders.buildkit.build import ExporterRequest, ImageBuild, build_image
from imagebuilders.buildkit.build_records import BuildState
from imagebuilders.buildkit.control.gateway import ask_frontend
from imagebuilders.buildkit.engine_client import OpenDaemon
from imagebuilders.buildkit.engine_features import EngineFeatures
from imagebuilders.buildkit.history import (
    build_history,
    delete_build,
    failure_of,
    find_build,
    pin_build,
    replay_build,
)
from imagebuilders.buildkit.proto.control_pb2 import (
    BuildHistoryRecord,
    Descriptor,
    SolveRequest,
)
from imagebuilders.events import Event, StepFinished, StepOutput
from imagebuilders.exceptions import BuildError, BuildKitError


@pytest.fixture
def buildkit() -> ScriptedBuildKit:
    """Give a daemon whose builds succeed."""
    return ScriptedBuildKit()


@pytest.fixture
def daemon(buildkit: ScriptedBuildKit) -> Iterator[OpenDaemon]:
    """Give a connection to it."""
    with buildkit.serve() as address, connect(address) as client:
        yield OpenDaemon("the daemon", client, EngineFeatures("the daemon"))


def _build(daemon: OpenDaemon, name: str = "app:1") -> None:
    build_image(
        daemon.client,
        ImageBuild(
            name,
            {"filename": "Dockerfile", "target": "made", "platform": "linux/amd64,linux/arm64"},
            {},
            exporters=[ExporterRequest("image", {"name": f"{name},also:1"})],
        ),
        lambda _: None,
    )


def test_builds_are_told_newest_first(daemon: OpenDaemon) -> None:
    """With the images' names, what the frontend was told, steps, digest and times."""
    for name in ("first:1", "second:1"):
        _build(daemon, name)
    second, first = build_history(daemon)
    assert first.image_names == ("first:1", "also:1")
    assert second.image_names == ("second:1", "also:1")
    assert second.state is BuildState.COMPLETED
    assert (second.dockerfile, second.target) == ("Dockerfile", "made")
    assert second.platforms == ("linux/amd64", "linux/arm64")
    assert (second.steps, second.completed_steps, second.cached_steps) == (2, 2, 0)
    assert second.digest.startswith("sha256:")
    assert second.duration is not None
    assert timedelta() <= second.duration < timedelta(minutes=1)
    assert second.error == ""
    assert failure_of(daemon, second.ref) is None


def test_why_a_build_failed(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """The error is like the one that was raised then, Dockerfile and output included."""

    def script(build: ScriptedBuild) -> None:
        build.fail_step(
            "[2/2] RUN make",
            exit_code=7,
            output="no rule\n",
            source=SourceLines(b"FROM base\nRUN make\n" + b"# long\n" * 1000, [(2, 2)]),
        )

    buildkit.script = script
    with pytest.raises(BuildError) as raised:
        _build(daemon)
    (record,) = build_history(daemon)
    assert record.state is BuildState.FAILED
    failure = failure_of(daemon, record.ref)
    assert failure is not None
    assert failure.exit_code == raised.value.exit_code == 7
    assert failure.instruction == "RUN make"
    assert failure.output == raised.value.output
    assert failure.excerpt == raised.value.excerpt
    assert "> 2 | RUN make" in str(failure)


@pytest.mark.parametrize("has_blob", [False, True])
def test_why_a_build_failed_without_its_details(
    buildkit: ScriptedBuildKit, daemon: OpenDaemon, mocker: MockerFixture, has_blob: bool
) -> None:
    """Where they are gone, or were never kept, the daemon's words are left."""
    mocker.patch("fakes.buildkit.daemon.UNKNOWN_REF_SECONDS", 0.01)
    record = BuildHistoryRecord(Ref="gone", Frontend="dockerfile.v0")
    record.CompletedAt.FromSeconds(1)
    record.error.code, record.error.message = 2, "it broke"
    if has_blob:
        record.externalError.CopyFrom(Descriptor(digest="sha256:0", size=1 << 40))
    else:
        record.externalError.CopyFrom(Descriptor(digest="sha256:0", size=1))
    buildkit.history.records.append(record)
    failure = failure_of(daemon, "gone")
    assert str(failure).startswith("The build gone did not succeed. It failed")
    assert "it broke" in str(failure)


def test_what_older_daemons_tell(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """The digest stands beside what the exporters said, and no name at all."""
    record = BuildHistoryRecord(Ref="old", Frontend="dockerfile.v0")
    record.CompletedAt.FromSeconds(1)
    record.Result.ResultDeprecated.digest = "sha256:1"
    buildkit.history.records.append(record)
    (found,) = build_history(daemon)
    assert (found.digest, found.image_names) == ("sha256:1", ())


def test_a_build_that_runs(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """It has no end, and its time goes on."""
    record = BuildHistoryRecord(Ref="running")
    record.CreatedAt.FromSeconds(1_700_000_000)
    buildkit.history.records.append(record)
    (found,) = build_history(daemon)
    assert found.state is BuildState.RUNNING
    assert found.completed_at is None
    assert found.duration is not None
    assert found.duration > timedelta(days=1)


def test_what_a_build_told_is_told_again(buildkit: ScriptedBuildKit, daemon: OpenDaemon) -> None:
    """Steps and output come as events, as during the build."""

    def script(build: ScriptedBuild) -> None:
        build.step("[1/1] RUN make", output="one\ntwo\n")

    buildkit.script = script
    _build(daemon)
    told: list[Event] = []
    replay_build(daemon, find_build(daemon).ref, told.append)
    assert [event.line for event in told if isinstance(event, StepOutput)] == ["one", "two"]
    assert [event.number for event in told if isinstance(event, StepFinished)] == [1]


def test_what_is_not_known_cannot_be_told_again(daemon: OpenDaemon) -> None:
    """That there is no such build is said, and nothing is told."""
    told: list[Event] = []
    with pytest.raises(BuildKitError, match="unknown"):
        replay_build(daemon, "unknown", told.append)
    assert told == []


def test_a_build_is_found_by_its_name_or_place(
    buildkit: ScriptedBuildKit, daemon: OpenDaemon
) -> None:
    """By as much of the name as is needed, or by how many builds came after it."""
    for number, ref in enumerate(["abc", "abd", "b", "bcd"]):
        record = BuildHistoryRecord(Ref=ref)
        record.CreatedAt.FromSeconds(number + 1)
        buildkit.history.records.append(record)
    assert find_build(daemon).ref == "bcd"
    assert find_build(daemon, "^0").ref == "bcd"
    assert find_build(daemon, "^2").ref == "abd"
    assert find_build(daemon, "abc").ref == "abc"
    assert find_build(daemon, "b").ref == "b"
    assert find_build(daemon, "bc").ref == "bcd"
    with pytest.raises(BuildKitError, match="2 builds whose names begin with 'ab': abd, abc"):
        find_build(daemon, "ab")
    for ref in ("x", "^4", "^99999999999", "^-1"):
        with pytest.raises(BuildKitError, match="remembers no build"):
            find_build(daemon, ref)


def test_builds_are_pinned_and_forgotten(daemon: OpenDaemon) -> None:
    """What is forgotten is told no more; forgetting it again does nothing."""
    _build(daemon)
    ref = find_build(daemon).ref
    pin_build(daemon, ref)
    assert find_build(daemon).is_pinned
    pin_build(daemon, ref, is_pinned=False)
    assert not find_build(daemon).is_pinned
    delete_build(daemon, ref)
    delete_build(daemon, ref)
    assert build_history(daemon) == []
    with pytest.raises(BuildKitError, match="the daemon remembers no build"):
        find_build(daemon)
    with pytest.raises(BuildKitError, match="file does not exist"):
        pin_build(daemon, ref)
    with pytest.raises(BuildKitError, match="is deleted"):
        failure_of(daemon, ref)
    with pytest.raises(BuildKitError, match="remembers no build 'never'"):
        failure_of(daemon, "never")


def test_a_question_to_a_frontend_leaves_no_record(
    buildkit: ScriptedBuildKit, daemon: OpenDaemon
) -> None:
    """Such a build is the client's own affair."""
    buildkit.gateway.script = lambda *_: {}
    ask_frontend(daemon.client, SolveRequest(Frontend="dockerfile.v0"), lambda _: None)
    assert build_history(daemon) == []


def test_a_daemon_that_does_not_stop_telling(
    buildkit: ScriptedBuildKit, daemon: OpenDaemon, mocker: MockerFixture
) -> None:
    """It cannot make the client keep ever more."""
    mocker.patch("imagebuilders.buildkit.history.MAX_RECORDS", 3)
    buildkit.history.records += [BuildHistoryRecord(Ref=str(number)) for number in range(4)]
    with pytest.raises(BuildKitError, match="tells of more than 3 builds"):
        build_history(daemon)
    with pytest.raises(BuildKitError, match="tells of more than 3 builds"):
        find_build(daemon)


def test_a_daemon_without_history() -> None:
    """The error names it, and what has one."""
    buildkit = ScriptedBuildKit(version=None)
    with buildkit.serve() as address, connect(address) as client:
        daemon = OpenDaemon("Docker Engine 20.10", client, EngineFeatures("Docker Engine 20.10"))
        with pytest.raises(BuildKitError, match=r"20\.10 keeps no history of builds"):
            build_history(daemon)
        with pytest.raises(BuildKitError, match=r"20\.10 keeps no history of builds"):
            delete_build(daemon, "x")
