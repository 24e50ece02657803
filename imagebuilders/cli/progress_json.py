"""Progress as JSON: one object per line, for programs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timezone
from typing import TextIO, get_args

from imagebuilders.cli.output import write_json
from imagebuilders.events import Event, OneOfMany

_EVENTS = get_args(Event)


class JsonProgress:
    """A listener that writes each event as `{"event": …, "time": …, …}`.

    `event` is the class's name in snake case, `time` when it was heard, in UTC as RFC 3339 has it,
    `build` which of several builds it is of; the other keys are its fields. Details that were not
    given are left out. What is no event of this package, but of a third party, is not written.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.time) -> None:
        """Make a display.

        Args:
            stream: where to write.
            clock: gives the time in seconds since 1970.
        """
        self._stream = stream
        self._clock = clock

    def __call__(self, event: Event) -> None:
        """Write one event."""
        head: dict[str, object] = {"time": _timestamp(self._clock())}
        if isinstance(event, OneOfMany):
            head["build"], event = event.build, event.event
        if type(event) in _EVENTS:
            named = {"event": event_name(type(event)), **head}
            write_json(self._stream, {**named, **_fields(event)})


def event_name(event_class: type) -> str:
    """Give an event's name in JSON: `step_started` for `StepStarted`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(event: Event) -> dict[str, object]:
    values = [(each, getattr(event, each.name)) for each in fields(event)]
    return {each.name: value for each, value in values if not each.kw_only or value != each.default}
