"""Progress as plain lines, for logs and pipes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TextIO

from imagebuilders import events
from imagebuilders.cli.output import write_line
from imagebuilders.cli.printable import output_line, printable, printable_lines
from imagebuilders.cli.quantities import duration, size

_NUMBER = re.compile(r"\d+")
_REPORT_EVERY = 10.0
"""Seconds between two lines about one transfer: a log wants few of them."""


class PlainProgress:
    """A listener that writes a line for everything that happens once.

    Of a transfer it tells the end, and in between something every ten seconds.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._step: events.StepStarted | None = None
        self._cached = False
        self._started = clock()
        self._layers: dict[str, str] = {}
        self._reported: dict[str, float] = {}

    def __call__(self, event: events.Event) -> None:
        """Write what there is to say about one event."""
        if isinstance(event, events.BuildStarted):
            self._line(f"building {printable(event.image_name)} with {printable(event.engine)}")
        elif isinstance(event, events.ContextProgress):
            self._transfer("context", event.bytes_sent, 0, event.done)
        elif isinstance(event, events.UploadProgress):
            what = f"upload to {printable(event.path)}"
            self._transfer(what, event.bytes_sent, event.total, event.done)
        elif isinstance(event, events.StepStarted):
            self._finish_step()
            self._step, self._cached, self._started = event, False, self._clock()
            self._line(f"{_number(event)} {printable(' '.join(event.instruction.split()))}")
        elif isinstance(event, events.StepCached):
            self._cached = True
            self._line(f"{self._step_number(event.number)} cached")
        elif isinstance(event, events.StepOutput):
            if not event.number:
                return  # the engine's own lines are layer IDs and the like: noise to a person
            for line in event.line.splitlines():
                self._line(f"{self._step_number(event.number)}   {output_line(line)}".rstrip())
        elif isinstance(event, events.ImageBuilt):
            self._finish_step()
            self._line(printable(f"built {event.image_name} {event.image_id}".rstrip()))
        elif isinstance(event, events.LayerProgress):
            self._layer(event)
        elif isinstance(event, events.ImagePushed):
            self._line(f"pushed {printable(event.reference)}")
        else:
            self._line(f"note: {printable_lines(event.message)}")

    def _finish_step(self) -> None:
        if self._step is not None and not self._cached:
            self._line(f"{_number(self._step)} done {duration(self._clock() - self._started)}")
        self._step = None

    def _step_number(self, number: int) -> str:
        if self._step is not None and self._step.number == number:
            return _number(self._step)
        return f"[{number}]"

    def _layer(self, event: events.LayerProgress) -> None:
        text = printable(f"layer {event.layer}: {event.status}")
        # A countdown, as in "Retrying in 9 seconds", is one thing, not one for each second.
        what = _NUMBER.sub("", event.status)
        if self._layers.get(event.layer) != what:
            self._layers[event.layer] = what
            self._reported[event.layer] = self._clock()
            self._line(text)
        elif event.current and self._is_due(event.layer):
            self._reported[event.layer] = self._clock()
            self._line(f"{text} {_amount(event.current, event.total)}")

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


def _number(step: events.StepStarted) -> str:
    return f"[{step.number}/{step.total}]" if step.total else f"[{step.number}]"


def _amount(current: int, total: int) -> str:
    return f"{size(current)} of {size(total)}" if total else size(current)
