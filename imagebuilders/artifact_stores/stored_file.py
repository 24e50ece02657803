"""An open file of a store whose errors are the package's own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebuilders.exceptions import ArtifactStoreError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from imagebuilders.artifact_stores.filesystem import File


def check_mode(path: str, mode: str) -> None:
    """Refuse a mode that files of stores cannot be opened in.

    Raises:
        ArtifactStoreError: it is none of the four.
    """
    if mode not in ("r", "w", "rb", "wb"):
        raise ArtifactStoreError(
            f"Cannot open {path} with the mode {mode!r}: use 'r', 'w', 'rb' or 'wb'.",
            path=path,
        )


class StoredFile(io.RawIOBase):
    """Passes everything to a file of a file system, and translates its errors."""

    def __init__(
        self, file: File, *, write: bool, translate: Callable[[Exception], ArtifactStoreError]
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
        with self._translated():
            data = self._file.read(len(view)) or b""
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Read up to the end."""
        with self._translated():
            return self._file.read() or b""

    def write(self, data: Buffer) -> int:
        """Write all of `data`."""
        content = bytes(data)
        with self._translated():
            self._file.write(content)
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        with self._translated():
            return self._file.seek(offset, whence)

    def close(self) -> None:
        """Write what is still to be written and close the file."""
        if self.closed:
            return
        super().close()
        with self._translated():
            self._file.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            own = self._translate(error)
            if own is error:
                raise
            raise own from error
