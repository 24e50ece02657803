"""Progress of several builds as plain lines, each with the name of its build."""

from __future__ import annotations

from typing import TextIO, cast

from imagebuilders import events
from imagebuilders.cli.progress_plain import PlainProgress
from imagebuilders.sanitize import printable


class ManyProgress:
    """A listener that writes the lines of each build as if it ran alone, its name before them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._own = PlainProgress(stream)
        self._builds: dict[str, PlainProgress] = {}

    def __call__(self, event: events.Event) -> None:
        """Write what there is to say about one event."""
        if not isinstance(event, events.OneOfMany):
            self._own(event)
            return
        display = self._builds.get(event.build)
        if display is None:
            label = f"[{printable(event.build)}] "
            display = PlainProgress(cast("TextIO", _Labelled(self._stream, label)))
            self._builds[event.build] = display
        display(event.event)


class _Labelled:
    """Whole lines, written to a stream with a label before each.

    Not an ``io.TextIOBase``: one of those flushes when it is collected, and the stream
    may be closed by then.
    """

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label

    def write(self, text: str) -> int:
        lines = text.splitlines(keepends=True)
        return self._stream.write("".join(f"{self._label}{line}" for line in lines))

    def flush(self) -> None:
        self._stream.flush()
