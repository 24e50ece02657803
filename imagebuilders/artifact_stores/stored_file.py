"""An open file of a store whose errors are the package's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imagebuilders.exceptions import ArtifactStoreError


class StoredFile(io.RawIOBase):
    """Passes everything to a file of an fsspec file system, and translates its errors."""

    def __init__(
        self, file: BinaryIO, *, write: bool, translate: Callable[[Exception], ArtifactStoreError]
    ) -> None:
        super().__init__()
        self._file = file
        self._write = write
        self._translate = translate

    def readable(self) -> bool:
        """Whether it was opened for reading."""
        return not self._write

    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._write

    def seekable(self) -> bool:
        """Whether `seek` works: for reading only."""
        return not self._write

    def readinto(self, buffer: Buffer) -> int:
        """Read at most as many bytes as `buffer` holds."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._file.read(len(view))
        except Exception as error:
            raise self._translate(error) from error
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read up to the end."""
        try:
            return self._file.read()
        except Exception as error:
            raise self._translate(error) from error

    def write(self, data: Buffer) -> int:
        """Write all of `data`."""
        content = bytes(data)
        try:
            self._file.write(content)
        except Exception as error:
            raise self._translate(error) from error
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        try:
            return self._file.seek(offset, whence)
        except Exception as error:
            raise self._translate(error) from error

    def close(self) -> None:
        """Write what is still to be written and close the file."""
        if self.closed:
            return
        super().close()
        try:
            self._file.close()
        except Exception as error:
            raise self._translate(error) from error
