"""A file as open descriptors share it, whatever its names are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.oci.file_tree import File

    from .file_table import FileTable


class Node:
    """What a name leads to (an inode): it lives on when its last name is taken away.

    Args:
        table: holds it by its names.
        file: what it is.
        path: one of its names.
    """

    def __init__(self, table: FileTable, file: File, path: str) -> None:
        self._table = table
        self._file = file
        self.paths = {path}
        self._content: bytearray | None = None
        self._is_changed = False

    @property
    def file(self) -> File:
        """What it is; the content may be newer, see `read`."""
        return self._file

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self._file.size if self._content is None else len(self._content)

    def content(self) -> bytes:
        """Return all of the content."""
        if self._content is not None:
            return bytes(self._content)
        return b"".join(self._file.pieces())

    def read(self, position: int, size: int) -> bytes:
        """Return a part of the content."""
        return bytes(self._opened()[position : position + size])

    def write(self, position: int, data: bytes, now: float) -> None:
        """Write into the content; a gap before is filled with zeros. `flush` makes it last."""
        content = self._opened()
        if position > len(content):
            content += bytes(position - len(content))
        content[position : position + len(data)] = data
        self._is_changed = True
        self._file = self._file._replace(mtime=int(now), nanoseconds=int(now % 1 * 1e9))

    def truncate(self, now: float) -> None:
        """Take the content away."""
        self._content = bytearray()
        self._is_changed = True
        self._file = self._file._replace(mtime=int(now), nanoseconds=int(now % 1 * 1e9))
        self.flush()

    def flush(self) -> None:
        """Bring what was written into the table."""
        if self._is_changed and self._content is not None:
            self._is_changed = False
            self.change(self._file._replace(data=bytes(self._content), content=None))

    def change(self, file: File) -> None:
        """Make it another, under each of its names."""
        if self._is_changed and self._content is not None:
            self._is_changed = False
            file = file._replace(data=bytes(self._content), content=None)
        self._file = file
        for path in self.paths:
            self._table.put(path, file)

    def _opened(self) -> bytearray:
        if self._content is None:
            self._content = bytearray(b"".join(self._file.pieces()))
        return self._content
