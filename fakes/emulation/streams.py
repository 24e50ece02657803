"""What a process reads and writes: its descriptors, and the texts of a program."""

from __future__ import annotations

import contextlib
import errno
from abc import abstractmethod

from .endings import ProcessExit
from .open_files import Caller, OpenFile, failure, make_pipe

_PIECE = 65_536


class Streams(Caller):
    """The open files of a process, and what it prints to them."""

    _buffer: bytearray

    @property
    @abstractmethod
    def name(self) -> str:
        """What its messages begin with."""

    @abstractmethod
    def wake(self) -> None:
        """Let those who wait look again."""

    # --- descriptors ------------------------------------------------------------

    def set_descriptor(self, number: int, opened: OpenFile | None) -> None:
        """Let a descriptor lead elsewhere; `None` closes it."""
        if opened is not None:
            opened.retain()
        old = self.descriptors.pop(number, None)
        if opened is not None:
            self.descriptors[number] = opened
        if old is not None:
            old.release()

    def descriptor(self, number: int) -> OpenFile:
        """Return what a descriptor leads to.

        Raises:
            OSError: it is not open.
        """
        try:
            return self.descriptors[number]
        except KeyError:
            raise failure(errno.EBADF) from None

    def pipe(self) -> tuple[OpenFile, OpenFile]:
        """Make a pipe: its end to read, and its end to write to."""
        return make_pipe(self.wake)

    # --- what programs do with text -----------------------------------------------

    def print(self, text: str) -> None:
        """Print to standard output; it may wait until there is more, or the program ends."""
        self._buffer += text.encode("latin-1")
        if len(self._buffer) >= _PIECE:
            self.flush()

    def write(self, data: bytes) -> None:
        """As `print`, of bytes."""
        self._buffer += data
        if len(self._buffer) >= _PIECE:
            self.flush()

    def flush(self) -> None:
        """Let what was printed be seen."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            self.descriptor(1).write(self, data)

    def drop_output(self) -> None:
        """Forget what could not be printed."""
        self._buffer.clear()

    def print_error(self, text: str) -> None:
        """Print to standard error, at once; where that is closed, nothing is said."""
        opened = self.descriptors.get(2)
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.write(self, text.encode("latin-1", "replace"))

    def complain(self, message: str) -> None:
        """Say what is wrong, after the program's name, on a line of standard error."""
        self.print_error(f"{self.name}: {message}\n")

    def fail(self, message: str, code: int = 1) -> ProcessExit:
        """Say what is wrong; the exception that ends the program."""
        self.complain(message)
        return ProcessExit(code)

    def read(self, size: int = _PIECE, number: int = 0) -> bytes:
        """Read what is there; nothing at the end."""
        return self.descriptor(number).read(self, size)

    def read_all(self, number: int = 0) -> bytes:
        """Read to the end."""
        pieces = []
        while piece := self.read(number=number):
            pieces.append(piece)
        return b"".join(pieces)


def error_text(error: OSError) -> str:
    """Say what a failed system call means, as programs do."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return f"{where}{error.strerror}"
