"""Progress as JSON: one object per line, for programs."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TextIO, get_args

from imagebuilders.cli.output import write_json
from imagebuilders.events import Event

_EVENTS = get_args(Event)


class JsonProgress:
    """A listener that writes each event as `{"event": …, …}`.

    `event` is the class's name in snake case; the other keys are its fields. Details that were
    not given are left out. What is no event of this package, but of a third party, is not written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if type(event) in _EVENTS:
            write_json(self._stream, {"event": event_name(type(event)), **_fields(event)})


def event_name(event_class: type) -> str:
    """Give an event's name in JSON: `step_started` for `StepStarted`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def _fields(event: Event) -> dict[str, object]:
    values = [(each, getattr(event, each.name)) for each in fields(event)]
    return {each.name: value for each, value in values if not each.kw_only or value != each.default}
