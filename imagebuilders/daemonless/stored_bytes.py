"""Stretches of temporary files, read by several threads, each with a position of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from tempfile import TemporaryFile
from typing import IO

from typing_extensions import Buffer

_PIECE_BYTES = 256 * 1024


def unnamed_file() -> AbstractContextManager[IO[bytes]]:
    """Return a new file that is gone when it is closed, or the process ends."""
    return TemporaryFile()


class StoredBytes(io.RawIOBase):
    """A stretch of a file that stays open elsewhere.

    Args:
        descriptor: the open file; it is not closed here.
        start: where the stretch begins.
        size: how many bytes it has.
    """

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor = descriptor
        self._start = start
        self._size = size
        self._position = 0

    def pieces(self) -> Iterator[bytes]:
        """Return all bytes, piece by piece."""
        position = 0
        while position < self._size:
            length = min(_PIECE_BYTES, self._size - position)
            piece = os.pread(self._descriptor, length, self._start + position)
            if not piece:
                raise OSError("a temporary file was cut")
            position += len(piece)
            yield piece

    def readable(self) -> bool:
        """Return that it is so."""
        return True

    def seekable(self) -> bool:
        """Return that it is so."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position; return it."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(begin + offset, 0)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        """Read some bytes from the position on; return how many."""
        view = memoryview(buffer)
        length = max(min(len(view), self._size - self._position), 0)
        piece = os.pread(self._descriptor, length, self._start + self._position)
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
