"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TextIO

from imagebuilders import events
from imagebuilders.cli.output import write_line
from imagebuilders.cli.progress_steps import (
    HeldEnds,
    StepEvent,
    is_of_engine,
    miss_text,
    notice_text,
    shown_image,
    step_key,
    step_number,
    summary,
)
from imagebuilders.humanize import duration, size
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.sanitize import output_line, printable, printable_lines

_REPORT_EVERY = 10.0
"""Seconds between two lines about one transfer: a log wants few of them."""


@dataclass
class _Running:
    """A step that has not finished."""

    label: str
    started: float
    has_id: bool
    cached: bool = False


class PlainProgress:
    """A listener that writes a line for everything that happens once.

    Each line about a step begins with the step's label, since several may run at a time. Of a
    transfer it tells the end, and in between something every ten seconds; of layers the latter
    alone, and of all together.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._labels: dict[str, str] = {}
        self._running: dict[str, _Running] = {}
        self._layers: dict[str, dict[str, events.LayerProgress]] = {}
        self._reported: dict[str, float] = {}
        self._held = HeldEnds()

    def __call__(self, event: events.Event) -> None:
        """Write what there is to say about one event."""
        match event:
            case events.BuildStarted():
                self._labels.clear()
                self._line(
                    f"building {shown_image(event.image_name)} with {printable(event.engine)}"
                )
            case events.ContextProgress():
                self._transfer(printable(event.name), event.bytes_sent, event.total, event.done)
            case events.UploadProgress():
                what = f"upload to {printable(event.path)}"
                self._transfer(what, event.bytes_sent, event.total, event.done)
            case events.StepStarted():
                self._start(event)
            case events.StepCached():
                self._mark_cached(event)
            case events.StepOutput():
                self._output(event)
            case events.StepProgress():
                self._part(event)
            case events.StepFinished():
                self._finish(event)
            case events.ImageBuilt():
                self._end_held()
                self._finish_all([key for key, row in self._running.items() if not row.has_id])
                built = (event.image_name, event.image_id)
                self._line(printable(" ".join(("built", *filter(None, built)))))
            case events.BuildFinished():
                self._end_held()
                self._line(f"finished {summary(event)}")
            case events.LayerProgress():
                self._layer(event)
            case events.ImagePushed():
                self._line(f"pushed {printable(event.reference)}")
            case events.CacheMissed():
                self._end_held()
                self._line(miss_text(event))
            case events.BuildSkipped():
                self._line(printable(f"skipped {event.image_name}: unchanged {event.reference}"))
            case events.Notice():
                self._line(f"note: {printable_lines(notice_text(event))}")
            case _:
                pass  # a step that waits is told when it starts

    # --- steps -----------------------------------------------------------------

    def _start(self, event: events.StepStarted) -> None:
        if not event.step_id:  # such a builder does one step after another
            self._finish_all([key for key, row in self._running.items() if not row.has_id])
        if self._held.go_on(event):
            return
        self._end_all(self._held.release(event.inputs))
        key = step_key(event)
        label = step_number(event) or self._labels.get(key) or f"#{len(self._labels) + 1}"
        self._labels[key] = label
        self._running[key] = _Running(label, self._clock(), bool(event.step_id))
        self._line(f"{label} {printable(' '.join(event.instruction.split()))}")

    def _mark_cached(self, event: events.StepCached) -> None:
        row = self._running.get(step_key(event))
        if row is not None:
            row.cached = True
        self._line(f"{self._label(event)} cached")

    def _output(self, event: events.StepOutput) -> None:
        if is_of_engine(event):
            return  # the engine's own lines are layer IDs and the like: noise to a person
        for line in event.line.splitlines():
            self._line(f"{self._label(event)}   {output_line(line)}".rstrip())

    def _part(self, event: events.StepProgress) -> None:
        what = f"{self._label(event)}   {printable(event.name)}"
        if event.done:
            self._reported.pop(what, None)
            self._line(f"{what} done" + (f" {size(event.current)}" if event.current else ""))
        elif self._is_due(what):
            self._reported[what] = self._clock()
            self._line(f"{what} {_amount(event.current, event.total)}")

    def _finish(self, event: events.StepFinished) -> None:
        if not self._held.hold(event):
            self._end(event)

    def _end_held(self) -> None:
        """End what was held back; of steps that the Dockerfile does not have nothing is said."""
        for event in self._held.release_all():
            if event.number:
                self._end(event)
            else:
                self._running.pop(step_key(event), None)

    def _end_all(self, ended: Iterable[events.StepFinished]) -> None:
        for event in ended:
            self._end(event)

    def _end(self, event: events.StepFinished) -> None:
        row = self._running.pop(step_key(event), None)
        if row is None or row.cached or event.error:  # what failed is told by the error
            return
        if event.cached:
            self._line(f"{row.label} cached")
            return
        seconds = self._clock() - row.started
        if event.started_at is not None and event.ended_at is not None:
            seconds = max(0.0, event.ended_at - event.started_at)
        self._line(f"{row.label} done {duration(seconds)}")

    def _finish_all(self, keys: list[str]) -> None:
        for key in keys:
            row = self._running.pop(key)
            if not row.cached:
                self._line(f"{row.label} done {duration(self._clock() - row.started)}")

    def _label(self, event: StepEvent) -> str:
        return self._labels.get(step_key(event)) or f"[{event.number}]"

    # --- transfers -------------------------------------------------------------

    def _layer(self, event: events.LayerProgress) -> None:
        """Say of all layers of a pull or push together, now and then, how far they are."""
        layers = self._layers.setdefault(event.step_id, {})
        layers[event.layer] = event
        what = f"layers {event.step_id}"
        if self._is_due(what):
            self._reported[what] = self._clock()
            sent = sum(each.current for each in layers.values())
            total = sum(each.total for each in layers.values())
            label = self._labels.get(event.step_id)
            self._line(f"{f'{label}   ' if label else ''}layers: {_amount(sent, total)} so far")

    def _transfer(self, what: str, sent: int, total: int, done: bool) -> None:
        if done:
            self._reported.pop(what, None)
            self._line(f"{what}: {size(sent)} sent")
        elif self._is_due(what):
            self._reported[what] = self._clock()
            self._line(f"{what}: {_amount(sent, total)} so far")

    def _is_due(self, what: str) -> bool:
        now = self._clock()
        return now - self._reported.setdefault(what, now) >= _REPORT_EVERY

    def _line(self, text: str) -> None:
        write_line(self._stream, text)


def _amount(current: int, total: int) -> str:
    return f"{size(current)} of {size(total)}" if total else size(current)
