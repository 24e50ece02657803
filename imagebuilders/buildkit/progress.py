"""What a daemon tells of a build, as the events of `imagebuilders.events`.

A step comes first without times, then begins, then ends; it may begin and end more than once. Its
output comes as bytes that are cut anywhere. One message may tell of many steps in any order, and
everything may be told again: each message is put in the order of its times, and what was told
before is left out. What a daemon tells is not believed without bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from imagebuilders.buildkit.step_log import DecodedLines, StepLog
from imagebuilders.buildkit.steps import MAX_NAME_CHARS, Step, Steps, layer_of
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
    Stream,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.masking import SecretMask

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from imagebuilders.buildkit.proto.control_pb2 import (
        StatusResponse,
        Vertex,
        VertexLog,
        VertexStatus,
        VertexWarning,
    )

MAX_PARTS = 100_000
MAX_WARNINGS = 10_000
"""A daemon that tells of more is not listened to."""

_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}
_START, _WITHIN, _END = range(3)


@dataclass
class _Moment:
    """Something that happened, and how it is told."""

    time: int
    rank: int
    tell: Callable[[], None]

    @property
    def key(self) -> tuple[int, int]:
        return self.time, self.rank


class BuildEvents:
    """Turns a daemon's messages about one build into events.

    Attributes:
        failed: the digests of the steps that failed, in order.
    """

    def __init__(self, emit: Callable[[Event], None], mask: SecretMask | None = None) -> None:
        """Begin.

        Args:
            emit: what to do with events.
            mask: takes secrets out of what the daemon tells.
        """
        self._emit = emit
        self._mask = mask or SecretMask()
        self._steps = Steps(self._mask)
        self._parts = 0
        self._warned: set[tuple[str, str, int]] = set()
        self._log = StepLog()
        self.failed: list[str] = []

    def take(self, response: StatusResponse) -> None:
        """Take one message."""
        for step, vertex in self._steps.add(response.vertexes):
            if not vertex.HasField("started"):
                self._emit(StepAdded(**step.described()))
        moments: list[_Moment] = []
        last_said: dict[str, int] = {}
        for log in response.logs:
            time = _nanoseconds(log.timestamp)
            last_said[log.vertex] = max(time, last_said.get(log.vertex, 0))
            moments.append(_Moment(time, _WITHIN, partial(self._take_log, log)))
        for status in response.statuses:
            time = _nanoseconds(status.timestamp)
            last_said[status.vertex] = max(time, last_said.get(status.vertex, 0))
            moments.append(_Moment(time, _WITHIN, partial(self._status, status)))
        moments += self._turns(response, last_said)
        for moment in sorted(moments, key=lambda moment: moment.key):
            moment.tell()
        for warning in response.warnings:
            self._warning(warning)

    def close(self) -> None:
        """Tell the lines that no end of a step has told."""
        for step in self._steps:
            self._flush(step)

    def step(self, digest: str) -> Step | None:
        """Return a step; `None` for one that was not told."""
        return self._steps.get(digest)

    def running(self) -> list[Step]:
        """Return the steps that run, those of the Dockerfile first."""
        found = [step for step in self._steps if step.is_shown_running]
        return sorted(found, key=lambda step: not step.number)

    def log(self) -> list[str]:
        """Return what all steps printed, step by step."""
        return self._log.all()

    def output(self, digest: str) -> list[str]:
        """Return what a step printed, line by line."""
        step = self._steps.get(digest)
        return [] if step is None else self.output_of(step)

    def output_of(self, step: Step) -> list[str]:
        """Return what a step printed, line by line."""
        return self._log.of(step.id)

    # --- steps ---------------------------------------------------------------

    def _turns(self, response: StatusResponse, last_said: dict[str, int]) -> list[_Moment]:
        """Return the beginnings and ends of steps."""
        moments: list[_Moment] = []
        ends: dict[str, _Moment] = {}
        for vertex in response.vertexes:
            step = self._steps.get(vertex.digest)
            if step is None:
                continue
            if vertex.HasField("started") and step.begin(
                vertex.digest, started := _nanoseconds(vertex.started)
            ):
                # What ended before in this message goes on.
                ends.pop(step.id, None)
                moments.append(_Moment(started, _START, partial(self._start, step)))
            if step.note_cached(vertex):
                time = _nanoseconds(vertex.completed)
                moments.append(_Moment(time, _WITHIN, partial(self._cached, step)))
            if vertex.HasField("completed"):
                self._note_error(step, vertex)
                if step.end(vertex.digest, completed := _nanoseconds(vertex.completed)):
                    # A step's end is told behind the output that came with it.
                    time = max(completed, last_said.get(vertex.digest, 0))
                    ends[step.id] = _Moment(time, _END, partial(self._finish, step))
        return [*moments, *ends.values()]

    def _note_error(self, step: Step, vertex: Vertex) -> None:
        if vertex.error:
            step.error = self._mask(vertex.error)
            if vertex.digest not in self.failed:
                self.failed.append(vertex.digest)

    def _start(self, step: Step) -> None:
        if step.is_shown_running:
            return
        step.is_shown_running = True
        self._emit(StepStarted(**step.described(), started_at=step.started_at))

    def _cached(self, step: Step) -> None:
        self._emit(StepCached(step.number, step_id=step.id))

    def _finish(self, step: Step) -> None:
        if step.is_shown_running:
            step.is_shown_running = False
            self._flush(step)
            self._emit(
                StepFinished(
                    step.number,
                    step.is_cached,
                    step.error,
                    step_id=step.id,
                    started_at=step.started_at,
                    ended_at=step.ended_at,
                )
            )

    # --- what a step prints and moves ----------------------------------------

    def _status(self, status: VertexStatus) -> None:
        step = self._steps.get(status.vertex)
        if step is None:
            return
        current, total = max(0, status.current), max(0, status.total)
        done = status.HasField("completed")
        known = step.parts.get(status.ID)
        if known == (current, done) or (known is None and self._parts >= MAX_PARTS):
            return
        self._parts += known is None
        step.parts[status.ID] = (current, done)
        name = self._mask(status.ID)[:MAX_NAME_CHARS].removesuffix(":")
        layer = layer_of(status.ID)
        event: Event
        if step.context and name.startswith("transferring "):
            event = ContextProgress(current, done, name=step.context, total=total, step_id=step.id)
        elif layer is not None:
            words = "complete" if done else status.name or "downloading"
            event = LayerProgress(layer, words, current, total, step_id=step.id)
        else:
            event = StepProgress(step.number, name, current, total, done, step_id=step.id)
        self._emit(event)

    def _take_log(self, log: VertexLog) -> None:
        step = self._steps.get(log.vertex)
        if step is None:
            return
        stream = log.stream if log.stream in _STREAMS else 1
        lines = step.lines.get(stream)
        if lines is None:
            lines = step.lines[stream] = DecodedLines(self._mask.stream())
        for line in lines.feed(log.msg):
            self._tell_line(step, stream, line)

    def _flush(self, step: Step) -> None:
        """Tell the lines that were not ended."""
        for stream, lines in step.lines.items():
            for line in lines.flush():
                self._tell_line(step, stream, line)
        step.lines.clear()

    def _tell_line(self, step: Step, stream: int, line: str) -> None:
        shown = self._mask(line)
        self._log.add(step.id, shown)
        self._emit(StepOutput(step.number, shown, step_id=step.id, stream=_STREAMS[stream]))

    def _warning(self, warning: VertexWarning) -> None:
        words = self._mask(warning.short.decode("utf-8", "replace"))[:MAX_NAME_CHARS]
        line = warning.ranges[0].start.line if warning.ranges else 0
        told = (words, warning.url, line)
        if told in self._warned or len(self._warned) >= MAX_WARNINGS:
            return
        self._warned.add(told)
        rule, colon, _ = words.partition(": ")
        is_rule = bool(colon) and rule.isalpha()
        # A rule's page says more than its detail, which is the same for all that it finds.
        pieces = () if is_rule and warning.url else warning.detail
        detail = " ".join(piece.decode("utf-8", "replace") for piece in pieces)
        step = self._steps.get(warning.vertex)
        self._emit(
            Notice(
                f"{words} {self._mask(detail)}".strip()[:MAX_NAME_CHARS],
                rule=rule if is_rule else "",
                line=line,
                url=warning.url[:MAX_NAME_CHARS],
                step_id="" if step is None else step.id,
            )
        )


def _nanoseconds(time: Timestamp) -> int:
    return time.seconds * 1_000_000_000 + time.nanos
