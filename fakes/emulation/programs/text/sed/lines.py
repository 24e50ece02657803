"""The lines that are edited, of which the last is known as such."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..inputs import lines_of, read_input

if TYPE_CHECKING:
    from ....process import Process


class Line(NamedTuple):
    """A line without its end, and whether it has one."""

    text: str
    has_end: bool


class Lines:
    """Reads the lines of files, one ahead.

    Args:
        process: the process of the program.
        end: what ends lines.

    Attributes:
        number: that of the line that was taken last.
        path: the file that is read.
        status: the exit code, so far.
    """

    def __init__(self, process: Process, end: str) -> None:
        self._process = process
        self._busybox = process.system.programs.is_busybox
        self._end = end
        self._lines: Iterator[Line] = iter(())
        self._ahead: Line | None = None
        self.number = 0
        self.path = "-"
        self.status = 0

    def begin(self, paths: Sequence[str]) -> None:
        """Read these files."""
        self._lines = self._read(paths)
        self._ahead = next(self._lines, None)

    @property
    def is_last(self) -> bool:
        """Whether no line follows."""
        return self._ahead is None

    def take(self) -> Line | None:
        """Return the next line; `None` at the end."""
        line = self._ahead
        if line is not None:
            self._ahead = next(self._lines, None)
            self.number += 1
        return line

    def fail(self, message: str, code: int = 2) -> None:
        """Say what is wrong, and go on; the code is GNU's."""
        self._process.complain(message)
        self.status = 1 if self._busybox else code

    def cannot_read(self, path: str, error: OSError) -> None:
        """Say why a file cannot be read, and go on."""
        self.fail(
            f"{path}: {error.strerror}" if self._busybox else f"can't read {path}: {error.strerror}"
        )

    def _read(self, paths: Sequence[str]) -> Iterator[Line]:
        for path in paths:
            self.path = path
            try:
                if path != "-" and self._process.system.files.kind(self._process, path) == "dir":
                    self.fail(f"read error on {path}: Is a directory")
                elif self._end == "\n":
                    for raw in lines_of(self._process, path):
                        line = raw.decode("latin-1")
                        yield Line(line.removesuffix("\n"), line.endswith("\n"))
                else:
                    yield from self._ended(read_input(self._process, path).decode("latin-1"))
            except OSError as error:
                self.cannot_read(path, error)

    def _ended(self, text: str) -> Iterator[Line]:
        *lines, rest = text.split(self._end)
        for line in lines:
            yield Line(line, has_end=True)
        if rest:
            yield Line(rest, has_end=False)
