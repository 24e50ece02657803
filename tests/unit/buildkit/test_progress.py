"""What a daemon tells of a build, as events."""

from __future__ import annotations

from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.buildkit import progress, step_log, steps
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.buildkit.proto.control_pb2 import (
    StatusResponse,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from imagebuilders.buildkit.proto.ops_pb2 import Position, ProgressGroup, Range
from imagebuilders.events import (
    ContextProgress,
    Event,
    LayerProgress,
    Notice,
    StepAdded,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
)
from imagebuilders.masking import SecretMask

EventT = TypeVar("EventT", bound=Event)


class _Build:
    """Events of a build, and what tells them."""

    def __init__(self, mask: SecretMask | None = None) -> None:
        self.told: list[Event] = []
        self.events = BuildEvents(self.told.append, mask)

    def take(self, *parts: Vertex | VertexStatus | VertexLog | VertexWarning) -> None:
        message = StatusResponse()
        for part in parts:
            match part:
                case Vertex():
                    message.vertexes.append(part)
                case VertexStatus():
                    message.statuses.append(part)
                case VertexLog():
                    message.logs.append(part)
                case VertexWarning():
                    message.warnings.append(part)
        self.events.take(message)

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def turns(self) -> list[tuple[str, str]]:
        """Beginnings and ends, each with the step's id."""
        return [
            (type(event).__name__, event.step_id)
            for event in self.told
            if isinstance(event, StepStarted | StepFinished)
        ]


def _vertex(
    digest: str,
    name: str = "",
    started: int | None = None,
    completed: int | None = None,
    **fields: object,
) -> Vertex:
    vertex = Vertex(digest=digest, name=name or f"[2/3] RUN {digest}", **fields)  # type: ignore[arg-type]
    if started is not None:
        vertex.started.seconds = started
        vertex.started.SetInParent()
    if completed is not None:
        vertex.completed.seconds = completed
        vertex.completed.SetInParent()
    return vertex


def _log(digest: str, data: bytes, *, at: int = 0, stream: int = 1) -> VertexLog:
    log = VertexLog(vertex=digest, msg=data, stream=stream)
    log.timestamp.seconds = at
    return log


def _status(
    digest: str, id_: str, current: int = 0, total: int = 0, **fields: object
) -> VertexStatus:
    status = VertexStatus(vertex=digest, ID=id_, current=current, total=total)
    status.name = str(fields.get("name", ""))
    status.timestamp.seconds = 1
    if fields.get("done"):
        status.completed.seconds = 1
    return status


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here opens a connection."""


@pytest.fixture
def build() -> _Build:
    """A build of which nothing is told yet."""
    return _Build()


@pytest.mark.parametrize(
    ("name", "number", "total", "instruction", "stage"),
    [
        ("[2/3] RUN make", 2, 3, "RUN make", ""),
        ("[build  2/11] RUN make", 2, 11, "RUN make", "build"),
        ("[ 2/11] RUN make", 2, 11, "RUN make", ""),
        ("[build 1/2] FROM a:1@sha256:1", 1, 2, "FROM a:1@sha256:1", "build"),
        ("[linux/arm64 build 1/2] COPY . /", 1, 2, "COPY . /", "linux/arm64 build"),
        ("[2/3] RUN <<EOF (a\nb)", 2, 3, "RUN <<EOF (a\nb)", ""),
        ("[internal] load .dockerignore", 0, 0, "[internal] load .dockerignore", ""),
        ("exporting to image", 0, 0, "exporting to image", ""),
    ],
)
def test_a_name_is_number_stage_and_instruction(
    build: _Build, name: str, number: int, total: int, instruction: str, stage: str
) -> None:
    """What is no instruction has no number."""
    build.take(_vertex("a", name))
    assert build.told == [StepAdded(number, total, instruction)]
    assert build.of(StepAdded)[0].stage == stage


def test_a_step_is_added_begins_and_ends(build: _Build) -> None:
    """Each is told once, however often the daemon says it."""
    for _ in range(2):
        build.take(_vertex("a"))
        build.take(_vertex("a", started=1))
        build.take(_vertex("a", started=1, completed=3))
    assert build.told == [StepAdded(2, 3, "RUN a"), StepStarted(2, 3, "RUN a"), StepFinished(2)]
    finished = build.of(StepFinished)[0]
    assert (finished.started_at, finished.ended_at) == (1, 3)


def test_a_step_may_run_again(build: _Build) -> None:
    """Each run is told, and one that ended and began within one message went on."""
    build.take(_vertex("a", started=1))
    build.take(_vertex("a", started=1, completed=2))
    build.take(_vertex("a", started=3))
    build.take(_vertex("a", started=3, completed=4), _vertex("a", started=5))
    build.take(_vertex("a", started=5, completed=6))
    assert build.turns == [("StepStarted", "a"), ("StepFinished", "a")] * 2
    first, second = build.of(StepFinished)
    assert (first.started_at, first.ended_at) == (1, 2)
    assert (second.started_at, second.ended_at) == (3, 6)


def test_steps_are_told_in_the_order_of_their_times(build: _Build) -> None:
    """Also when all came in one message, as of a build that is followed late."""
    build.take(
        _vertex("b", started=4, completed=6, inputs=["a"]),
        _vertex("a", started=1, completed=3),
        _log("b", b"of b\n", at=5),
        _log("a", b"of a\n", at=2),
    )
    told = [*build.turns]
    assert told == [
        ("StepStarted", "a"),
        ("StepFinished", "a"),
        ("StepStarted", "b"),
        ("StepFinished", "b"),
    ]
    assert [event.line for event in build.of(StepOutput)] == ["of a", "of b"]
    assert isinstance(build.told[1], StepOutput)


def test_new_steps_come_behind_those_that_they_need(build: _Build) -> None:
    """Newer daemons name the last one first."""
    build.take(_vertex("c", inputs=["b", "a"]), _vertex("b", inputs=["a"]), _vertex("a"))
    assert [event.step_id for event in build.of(StepAdded)] == ["a", "b", "c"]
    assert build.of(StepAdded)[2].inputs == ("b", "a")


def test_steps_that_need_each_other_are_told_all_the_same(build: _Build) -> None:
    """A daemon's graph has no circles, but a broken daemon may say so."""
    build.take(_vertex("a", inputs=["b"]), _vertex("b", inputs=["a"]))
    assert len(build.of(StepAdded)) == 2


def test_cached_may_be_told_late(build: _Build) -> None:
    """A step has no times, then is cached, and ends when it began."""
    build.take(_vertex("a"))
    build.take(_vertex("a", cached=True))
    build.take(_vertex("a", started=5, completed=5, cached=True))
    assert build.told == [
        StepAdded(2, 3, "RUN a"),
        StepCached(2),
        StepStarted(2, 3, "RUN a"),
        StepFinished(2, cached=True),
    ]


def test_a_copy_with_link_is_one_step(build: _Build) -> None:
    """The daemon makes a copy and a link, in one group; the link tells whether it is cached."""

    def copy(started: int | None = None, completed: int | None = None) -> Vertex:
        group = ProgressGroup(id="g", name="[2/3] COPY --link a /", weak=True)
        return _vertex(
            "c", "[2/3] COPY --link a /", started, completed, progressGroup=group, cached=True
        )

    def link(started: int | None = None, completed: int | None = None) -> Vertex:
        group = ProgressGroup(id="g", name="[2/3] COPY --link a /")
        return _vertex(
            "l", "[2/3] LINK COPY a /", started, completed, progressGroup=group, inputs=["c", "b"]
        )

    build.take(link(), copy())
    build.take(copy(started=1))
    build.take(copy(1, 3), link(started=2))
    build.take(link(2, 4))
    assert build.told == [
        StepAdded(2, 3, "COPY --link a /"),
        StepStarted(2, 3, "COPY --link a /"),
        StepFinished(2),
    ]
    assert build.of(StepAdded)[0].step_id == build.of(StepFinished)[0].step_id == "g"
    assert build.of(StepAdded)[0].inputs == ("b",)


def test_an_error_is_told_with_the_end(build: _Build) -> None:
    """The steps that failed can be asked for."""
    build.take(_vertex("a", started=1), _vertex("b", started=1))
    build.take(_vertex("a", started=1, completed=2, error="exit code: 1"))
    assert build.of(StepFinished) == [StepFinished(2, error="exit code: 1")]
    assert build.events.failed == ["a"]


@given(st.text(), st.data())
def test_output_may_be_cut_anywhere(text: str, data: st.DataObject) -> None:
    """Within a character, too; the lines are the same."""
    build, whole = _Build(), _Build()
    encoded = text.encode("utf-8", "surrogatepass")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=4)))
    for each in (build, whole):
        each.take(_vertex("a", started=1))
    for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True):
        build.take(_log("a", encoded[start:end]))
    whole.take(_log("a", encoded))
    for each in (build, whole):
        each.take(_vertex("a", started=1, completed=2))
    assert build.of(StepOutput) == whole.of(StepOutput)


def test_both_streams_are_put_together_alone(build: _Build) -> None:
    """A line without an end is told when its step ends, before that."""
    build.take(_vertex("a", started=1), _log("a", b"on"), _log("a", b"bad", stream=2))
    build.take(_log("a", b"e\n"))
    build.take(_vertex("a", started=1, completed=2))
    lines = [(event.line, event.stream) for event in build.of(StepOutput)]
    assert lines == [("one", "stdout"), ("bad", "stderr")]
    assert isinstance(build.told[-1], StepFinished)


def test_what_no_end_has_told_is_told_at_the_build_s_end(build: _Build) -> None:
    """A build may break off."""
    build.take(_vertex("a", started=1), _log("a", b"half"))
    build.events.close()
    assert build.events.output("a") == ["half"]
    assert build.events.log() == ["half"]


@pytest.mark.parametrize(
    ("step", "status", "event"),
    [
        (
            "[internal] load build context",
            _status("a", "transferring context:", 5, name="transferring", done=True),
            ContextProgress(5, done=True),
        ),
        (
            "[context extra] load from client",
            _status("a", "transferring extra:", 5, name="transferring"),
            ContextProgress(5),
        ),
        (
            "[internal] load .dockerignore",
            _status("a", "transferring context:", 2, name="transferring", done=True),
            StepProgress(0, "transferring context", 2, done=True),
        ),
        (
            "exporting to image",
            _status("a", "exporting layers", done=True),
            StepProgress(0, "exporting layers", done=True),
        ),
        (
            "[1/2] FROM a",
            _status("a", f"sha256:{'5' * 64}", 5, 9),
            LayerProgress("5" * 12, "downloading", 5, 9),
        ),
        (
            "[1/2] FROM a",
            _status("a", f"sha256:{'5' * 64}", 5, 9, name="extract"),
            LayerProgress("5" * 12, "extract", 5, 9),
        ),
        (
            "[1/2] FROM a",
            _status("a", f"extracting sha256:{'5' * 64}", name="extract", done=True),
            LayerProgress("5" * 12, "complete"),
        ),
    ],
)
def test_parts_of_a_step(step: str, status: VertexStatus, event: Event) -> None:
    """Transfers of contexts, layers, and whatever else a step does; each once."""
    build = _Build()
    build.take(_vertex("a", step, started=1))
    build.take(status)
    build.take(status)
    assert build.told[1:] == [event]


def test_a_context_s_name_tells_its_transfer_from_others(build: _Build) -> None:
    """The main one is called `context`."""
    build.take(_vertex("a", "[internal] load build context"))
    build.take(_vertex("b", "[context extra] load from client"))
    build.take(_status("a", "transferring context:", 1), _status("b", "transferring extra:", 1))
    assert [event.name for event in build.of(ContextProgress)] == ["context", "extra"]


def test_a_warning_is_told_once(build: _Build) -> None:
    """With rule, line and address; daemons repeat them when all is cached."""
    warning = VertexWarning(
        vertex="a",
        short=b"StageNameCasing: Stage name 'B' should be lowercase (line 3)",
        detail=[b"Stage names should be lowercase"],
        url="https://docs.docker.com/go/x/",
        ranges=[Range(start=Position(line=3), end=Position(line=3))],
    )
    build.take(_vertex("a"))
    build.take(warning, warning)
    build.take(warning)
    (notice,) = build.of(Notice)
    assert notice.rule == "StageNameCasing"
    assert (notice.line, notice.url) == (3, "https://docs.docker.com/go/x/")
    assert notice.message.endswith("should be lowercase (line 3)")


def test_a_warning_without_a_page_has_its_detail(build: _Build) -> None:
    """As older daemons warn."""
    build.take(_vertex("a"))
    build.take(VertexWarning(vertex="a", short=b"Empty line", detail=[b"It will be", b"an error"]))
    (notice,) = build.of(Notice)
    assert (notice.message, notice.rule) == ("Empty line It will be an error", "")


def test_secrets_are_masked_everywhere() -> None:
    """In names, output, parts, errors and warnings."""
    mask = SecretMask()
    mask.add(b"s3cret")
    build = _Build(mask)
    build.take(_vertex("a", "[2/2] RUN s3cret", started=1))
    build.take(_status("a", "pushing s3cret"))
    build.take(_log("a", b"s3"), _log("a", b"cret\n"))
    build.take(VertexWarning(vertex="a", short=b"s3cret", detail=[b"s3cret"]))
    build.take(_vertex("a", started=1, completed=2, error="s3cret"))
    assert "****" in repr(build.told)
    assert "s3cret" not in repr(build.told)


def test_what_is_told_of_unknown_steps_is_left_out(build: _Build) -> None:
    """A daemon tells of a step before it tells what the step does."""
    build.take(_log("x", b"line\n"), _status("x", "part"))
    assert build.told == []


def test_a_hostile_daemon_is_not_kept_in_memory(
    build: _Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps, their parts, names and warnings have bounds."""
    monkeypatch.setattr(steps, "MAX_STEPS", 3)
    monkeypatch.setattr(progress, "MAX_PARTS", 3)
    monkeypatch.setattr(progress, "MAX_WARNINGS", 3)
    for number in range(9):
        build.take(_vertex(str(number), "x" * 100_000, inputs=["i"] * 5_000))
        build.take(_status("0", f"part {number}"))
        build.take(VertexWarning(vertex="0", short=b"w%d" % number))
    assert len(build.of(StepAdded)) == len(build.of(StepProgress)) == len(build.of(Notice)) == 3
    assert len(build.of(StepAdded)[0].instruction) == steps.MAX_NAME_CHARS


def test_of_too_much_output_the_last_is_kept() -> None:
    """The error's log says that some is missing."""
    log = step_log.StepLog(max_chars=20)
    for number in range(10):
        log.add("ab"[number % 2], f"line {number}")
    assert log.all() == [step_log.DROPPED, "line 8", "line 9"]
    assert log.of("b") == ["line 9"]
