"""What a daemon tells of a build, as the events of `imagebuilders.events`.

A step comes first without times, then begins, then ends; it may begin and end more than once. Its
output comes as bytes that are cut anywhere. Everything may be told again.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from imagebuilders.buildkit.proto.control_pb2 import (
        StatusResponse,
        Vertex,
        VertexLog,
        VertexStatus,
        VertexWarning,
    )

MAX_LINE_CHARS = 64 * 1024
"""A longer line is told in pieces, so that one without an end is told as it comes."""

MAX_LOG_CHARS = 64 * 1024 * 1024
"""So much output of a build is kept for its error; what comes later is told, not kept."""

MAX_STEPS = 100_000
"""A daemon that tells of more steps is not believed."""

CONTEXT_STEP = "[internal] load build context"

_NAME = re.compile(
    r"\[(?P<group>[^\]]*?) ?(?:(?P<number>\d{1,6})/(?P<total>\d{1,6}))?\] (?P<rest>.*)", re.DOTALL
)
_RULE = re.compile(r"(?P<rule>[A-Za-z]+): ")
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}


@dataclass
class _Step:
    """A step as far as it was told."""

    number: int
    total: int
    instruction: str
    stage: str
    intervals: set[float] = field(default_factory=set)
    """When it began, each time."""
    ended: float | None = None
    is_cached: bool = False
    has_ended: bool = False
    decoders: dict[int, codecs.IncrementalDecoder] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    parts: set[tuple[str, int, bool]] = field(default_factory=set)
    """What was told of its parts: name, amount, whether it was done."""
    output: list[str] = field(default_factory=list)


class BuildEvents:
    """Turns a daemon's messages about one build into events.

    Attributes:
        failed: the steps that failed, by their digests, in order.
    """

    def __init__(self, emit: Callable[[Event], None], mask: Callable[[str], str] = str) -> None:
        """Begin.

        Args:
            emit: what to do with events.
            mask: takes secrets out of a text.
        """
        self._emit = emit
        self._mask = mask
        self._steps: dict[str, _Step] = {}
        self._warned: set[tuple[str, str, int]] = set()
        self._kept_chars = 0
        self.failed: list[str] = []

    def take(self, response: StatusResponse) -> None:
        """Take one message."""
        for vertex in response.vertexes:
            self._vertex(vertex)
        for status in response.statuses:
            self._status(status)
        for log in response.logs:
            self._log(log)
        for warning in response.warnings:
            self._warning(warning)
        # A step's end is told behind the output that came with it.
        for vertex in response.vertexes:
            self._end(vertex)

    def instruction(self, digest: str) -> str:
        """Return a step's instruction; empty when the step is unknown."""
        step = self._steps.get(digest)
        return "" if step is None else step.instruction

    def place(self, digest: str) -> str:
        """Return where a step stands, as in `step 2/3`."""
        step = self._steps.get(digest)
        if step is None or not step.number:
            return "a step"
        stage = f" of {step.stage}" if step.stage else ""
        return f"step {step.number}/{step.total}{stage}"

    def log(self) -> list[str]:
        """Return what all steps printed, step by step, in the order in which they began."""
        return [line for step in self._steps.values() for line in step.output]

    def output(self, digest: str) -> list[str]:
        """Return what a step printed, line by line."""
        step = self._steps.get(digest)
        return [] if step is None else list(step.output)

    # --- steps ---------------------------------------------------------------

    def _vertex(self, vertex: Vertex) -> None:
        step = self._steps.get(vertex.digest)
        started = _seconds(vertex.started) if vertex.HasField("started") else None
        if step is None:
            if len(self._steps) >= MAX_STEPS:
                return
            step = self._steps[vertex.digest] = self._new_step(vertex.name)
            if started is None and not vertex.cached:
                self._emit(
                    StepAdded(
                        step.number,
                        step.total,
                        step.instruction,
                        step_id=vertex.digest,
                        stage=step.stage,
                        inputs=tuple(vertex.inputs),
                    )
                )
        if started is not None and started not in step.intervals:
            step.intervals.add(started)
            step.has_ended = False
            self._emit(
                StepStarted(
                    step.number,
                    step.total,
                    step.instruction,
                    step_id=vertex.digest,
                    stage=step.stage,
                    inputs=tuple(vertex.inputs),
                    started_at=started,
                )
            )

    def _end(self, vertex: Vertex) -> None:
        step = self._steps.get(vertex.digest)
        if step is None or not (vertex.HasField("completed") or vertex.cached):
            return
        ended = _seconds(vertex.completed) if vertex.HasField("completed") else None
        error = self._mask(vertex.error)
        if vertex.cached and not step.is_cached:
            step.is_cached = True
            self._emit(StepCached(step.number, step_id=vertex.digest))
        if ended is None or (step.has_ended and step.ended == ended):
            return
        step.has_ended, step.ended = True, ended
        self._flush(vertex.digest, step)
        if error and vertex.digest not in self.failed:
            self.failed.append(vertex.digest)
        self._emit(
            StepFinished(
                step.number,
                step.is_cached,
                error,
                step_id=vertex.digest,
                started_at=_seconds(vertex.started) if vertex.HasField("started") else None,
                ended_at=ended,
            )
        )

    def _new_step(self, name: str) -> _Step:
        shown = self._mask(name)
        found = _NAME.match(shown)
        if found is None:
            return _Step(0, 0, shown, "")
        group, number = found["group"], found["number"]
        if number is None:
            return _Step(0, 0, shown, "")
        return _Step(int(number), int(found["total"]), found["rest"], group)

    # --- what a step prints and moves ----------------------------------------

    def _status(self, status: VertexStatus) -> None:
        step = self._steps.get(status.vertex)
        if step is None:
            return
        name = self._mask(status.name or status.ID)
        current, total = max(0, status.current), max(0, status.total)
        done = status.HasField("completed")
        told = (status.ID, current, done)
        if told in step.parts:
            return
        step.parts = {part for part in step.parts if part[0] != status.ID} | {told}
        if step.instruction == CONTEXT_STEP and name.startswith("transferring"):
            self._emit(ContextProgress(current, done, total=total, step_id=status.vertex))
        elif status.ID.startswith(("sha256:", "extracting sha256:")):
            layer = status.ID.removeprefix("extracting ")
            words = "complete" if done else status.name or "downloading"
            self._emit(LayerProgress(layer[7:19], words, current, total, step_id=status.vertex))
        else:
            self._emit(StepProgress(step.number, name, current, total, done, step_id=status.vertex))

    def _log(self, log: VertexLog) -> None:
        step = self._steps.get(log.vertex)
        if step is None:
            return
        decoder = step.decoders.get(log.stream)
        if decoder is None:
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            step.decoders[log.stream] = decoder
        text = step.lines.get(log.stream, "") + decoder.decode(log.msg)
        *lines, rest = text.split("\n")
        while len(rest) > MAX_LINE_CHARS:
            lines.append(rest[:MAX_LINE_CHARS])
            rest = rest[MAX_LINE_CHARS:]
        step.lines[log.stream] = rest
        for line in lines:
            self._tell_line(log.vertex, step, log.stream, line)

    def _flush(self, digest: str, step: _Step) -> None:
        """Tell the lines that were not ended."""
        for stream, decoder in step.decoders.items():
            rest = step.lines.pop(stream, "") + decoder.decode(b"", final=True)
            if rest:
                self._tell_line(digest, step, stream, rest)
        step.decoders.clear()

    def _tell_line(self, digest: str, step: _Step, stream: int, line: str) -> None:
        shown = self._mask(line.removesuffix("\r"))
        if self._kept_chars + len(shown) <= MAX_LOG_CHARS:
            self._kept_chars += len(shown) + 1
            step.output.append(shown)
        self._emit(
            StepOutput(step.number, shown, step_id=digest, stream=_STREAMS.get(stream, "stdout"))
        )

    def _warning(self, warning: VertexWarning) -> None:
        words = self._mask(warning.short.decode("utf-8", "replace"))
        line = warning.ranges[0].start.line if warning.ranges else 0
        told = (words, warning.url, line)
        if told in self._warned:
            return
        self._warned.add(told)
        found = _RULE.match(words)
        detail = " ".join(piece.decode("utf-8", "replace") for piece in warning.detail)
        message = f"{words} {self._mask(detail)}".strip()
        self._emit(
            Notice(
                message,
                rule=found["rule"] if found else "",
                line=line,
                url=warning.url,
                step_id=warning.vertex,
            )
        )


def _seconds(time: Timestamp) -> float:
    return time.seconds + time.nanos / 1e9
