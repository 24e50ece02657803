"""Lines of a program's output, put together from the pieces in which they come."""

from __future__ import annotations

from collections.abc import Iterator

MAX_LINE_CHARS = 64 * 1024
"""A longer line is told in pieces, so that one without an end is told as it comes."""


class OutputLines:
    """Puts the pieces of one stream together to lines.

    A progress display writes its one line anew, with a carriage return, for as long as its
    command runs; of such a line the last state is kept.
    """

    def __init__(self) -> None:
        self._line = ""

    def feed(self, text: str) -> Iterator[str]:
        """Take the next piece, and return the lines that it completes."""
        *lines, rest = (self._line + text).split("\n")
        self._line = _last_state(rest)
        for line in lines:
            yield _last_state(line).rstrip("\r")
        if len(self._line) > MAX_LINE_CHARS:
            yield from self.flush()

    def flush(self) -> Iterator[str]:
        """Return the line that has no end yet, if there is one."""
        line, self._line = self._line.rstrip("\r"), ""
        if line:
            yield line


def _last_state(line: str) -> str:
    """Leave out what a terminal would overwrite: all before the last carriage return but one."""
    return line[line.rstrip("\r").rfind("\r") + 1 :]
