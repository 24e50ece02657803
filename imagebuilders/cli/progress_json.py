"""Progress as JSON: one object per line, for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TextIO

from imagebuilders.events import Event


class JsonProgress:
    """A listener that writes each event as `{"event": …, …}`.

    `event` is the class's name in snake case; the other keys are its fields.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one event."""
        write_line(self._stream, {"event": event_name(type(event)), **asdict(event)})

    def __enter__(self) -> JsonProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is left to be written."""


def event_name(event_class: type) -> str:
    """Give an event's name in JSON: `step_started` for `StepStarted`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def write_line(stream: TextIO, record: Mapping[str, object]) -> None:
    """Write one object on a line of its own, at once.

    Only ASCII is written, so that a file name that is not UTF-8 does no harm.
    """
    stream.write(json.dumps(record, default=str) + "\n")
    stream.flush()
