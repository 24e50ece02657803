"""What is printed, and what commands write to files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....process import Process

_MANY = 200


class Output:
    """Collects what is printed, and adds the end that a line may lack once more follows.

    Args:
        process: the process of the program.
        end: what ends lines.
        keeps: whether all is kept until it is taken, as it is for a file that is replaced.
        paths: the files that commands write to, which are there though nothing is written.
    """

    def __init__(self, process: Process, end: str, *, keeps: bool, paths: Iterable[str]) -> None:
        self._process = process
        self._end = end
        self._keeps = keeps
        self._pieces: list[str] = []
        self._lacks_end = False
        self._written: dict[str, list[str]] = {path: [] for path in paths}

    def emit(self, text: str) -> None:
        """Print a text as it is."""
        if not text:
            return
        if self._lacks_end:
            self._pieces.append("\n")
        self._lacks_end = False
        self._pieces.append(text)
        if len(self._pieces) > _MANY:
            self.flush()

    def line(self, text: str, *, has_end: bool) -> None:
        """Print a line; `has_end` tells whether its end is printed at once."""
        self.emit(text + (self._end if has_end else ""))
        self._lacks_end = not has_end

    def flush(self) -> None:
        """Print what was collected, unless it is kept."""
        if not self._keeps:
            self._process.print("".join(self._pieces))
            self._pieces = []

    def take(self) -> bytes:
        """Return what was kept, and begin anew."""
        data = "".join(self._pieces).encode("latin-1")
        self._pieces, self._lacks_end = [], False
        return data

    def write(self, path: str, text: str) -> None:
        """Write a text to a file.

        Raises:
            OSError: it cannot be written.
        """
        if path == "/dev/stdout":
            self.emit(text)
        elif path == "/dev/stderr":
            self._process.print_error(text)
        else:
            self._written[path].append(text)
            self._save(path)

    def save(self) -> None:
        """Make the files that commands write to.

        Raises:
            OSError: one cannot be written.
        """
        for path in self._written:
            if path not in ("/dev/stdout", "/dev/stderr"):
                self._save(path)

    def _save(self, path: str) -> None:
        data = "".join(self._written[path]).encode("latin-1")
        self._process.system.files.write_file(self._process, path, data)
