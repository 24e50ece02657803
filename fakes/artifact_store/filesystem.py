"""The file system in memory underneath the store."""

from __future__ import annotations

import errno
import io
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .attempts import Attempt


class _Writer(io.BufferedIOBase):
    """Writes to a file of the store in the course of an attempt."""

    def __init__(self, file: io.BytesIO, attempt: Attempt | None) -> None:
        super().__init__()
        self._file = file
        self._attempt = attempt

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        content = bytes(data)
        if self._attempt is None:
            return self._file.write(content)
        return self._attempt.write(self._file, content)


class _Reader(io.BytesIO):
    """A file's content at the time it was opened; tells what is read of it."""

    def __init__(self, content: bytes, count: Callable[[int], None]) -> None:
        super().__init__(content)
        self._count = count

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self._count(len(data))
        return data


class InstanceMemoryFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """fsspec's file system in memory, whose files are the instance's instead of the class's."""

    cachable = False

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        super().__init__()
        self.store: dict[str, io.BytesIO] = {}
        self.pseudo_dirs: list[str] = [""]
        self.bytes_read = 0
        self.of_thread = threading.local()
        for path, content in (contents or {}).items():
            self.pipe_file(path, content)

    def contents(self) -> dict[str, bytes]:
        """Return every file's content, by its path."""
        return {path: bytes(file.getbuffer()) for path, file in dict(self.store).items()}

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, object] | None = None,
        **options: object,
    ) -> object:
        if mode == "rb":
            return _Reader(self._content(path), self._count)
        file = super()._open(path, mode, block_size, autocommit, cache_options, **options)
        return _Writer(file, getattr(self.of_thread, "attempt", None)) if mode == "wb" else file

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: object
    ) -> bytes:
        """Read a range of a file."""
        data = self._content(path)[start:end]
        self._count(len(data))
        return data

    def _content(self, path: str) -> bytes:
        file = self.store.get(self._strip_protocol(path))
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "No such file", path)
        return file.getvalue()

    def _count(self, size: int) -> None:
        self.bytes_read += size
