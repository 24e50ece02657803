"""The records of a program's input: of the files among its operands, or standard input."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from ..inputs import lines_of
from .expression_parser import unescaped
from .record import split_at
from .values import from_outside, integer, number

if TYPE_CHECKING:
    from ....process import Process
    from .streams import Streams
    from .variables import Variables

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.S)


class MainInput:
    """Reads the input, and counts its records in `NR` and `FNR`.

    Args:
        process: the process of the program.
        variables: those of the program.
        streams: what it writes, which is let out before an error ends it.

    Attributes:
        status: 1 where a file could not be read.
    """

    def __init__(self, process: Process, variables: Variables, streams: Streams) -> None:
        self._process = process
        self._variables = variables
        self._streams = streams
        self._records = self._read_all()
        self._skips_file = False
        self.status = 0

    def next(self) -> str | None:
        """Return the next record; `None` at the end.

        Raises:
            ProcessExit: a file cannot be read, which mawk does not pass over.
        """
        return next(self._records, None)

    def skip_file(self) -> None:
        """Pass over the rest of the file that is read."""
        self._skips_file = True

    def close(self) -> None:
        """Read no more."""
        self._records.close()

    def _read_all(self) -> Generator[str, None, None]:
        used = False
        place = 0
        while (place := place + 1) < integer(self._variables.get("ARGC")):
            word = self._variables.text(self._variables.array("ARGV").get(str(place)))
            match = _ASSIGNMENT.fullmatch(word)
            if match is not None:
                self._variables.set(match[1], from_outside(unescaped(match[2])))
            elif word:
                used = True
                yield from self._file(word)
        if not used:
            yield from self._counted("-")

    def _file(self, path: str) -> Iterator[str]:
        self._variables.set("FILENAME", path)
        self._variables.set("FNR", 0.0)
        try:
            yield from self._counted(path)
        except OSError as error:
            self._streams.close_all()
            if not self._process.system.programs.is_busybox:
                raise self._process.fail(f"cannot open {path} ({error.strerror})", 2) from error
            self._process.complain(f"{path}: {error.strerror}")
            self.status = 1

    def _counted(self, path: str) -> Iterator[str]:
        self._skips_file = False
        for record in self._split(lines_of(self._process, path)):
            for name in ("NR", "FNR"):
                self._variables.set(name, number(self._variables.get(name)) + 1)
            yield record
            if self._skips_file:
                return

    def _split(self, lines: Iterator[bytes]) -> Iterator[str]:
        separator = self._variables.text_of("RS")
        if separator == "\n":
            for line in lines:
                self._process.step()
                yield line.removesuffix(b"\n").decode("latin-1")
            return
        text = b"".join(lines).decode("latin-1")
        if separator == "":
            yield from filter(None, re.split(r"\n\n+", text.strip("\n")))
            return
        parts = (
            text.split(separator)
            if len(separator) == 1
            else split_at(self._variables.regex(separator), text)
        )
        if parts[-1] in ("", "\n"):
            parts.pop()
        yield from parts
