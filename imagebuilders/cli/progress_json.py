"""Progress as JSON: one object per line, for programs."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TextIO

from imagebuilders.cli.output import write_json
from imagebuilders.events import Event


class JsonProgress:
    """A listener that writes each event as `{"event": …, …}`.

    `event` is the class's name in snake case; the other keys are its fields.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one event."""
        write_json(self._stream, {"event": event_name(type(event)), **asdict(event)})


def event_name(event_class: type) -> str:
    """Give an event's name in JSON: `step_started` for `StepStarted`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()
