"""Progress as JSON: one object per line, for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from imagebuilders.cli.output import write_json
from imagebuilders.event_records import event_record
from imagebuilders.events import Event


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
        record = event_record(event, self._clock())
        if record is not None:
            write_json(self._stream, record)
