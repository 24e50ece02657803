"""The file that remembers content hashes: one block for each folder.

The file is a magic line, the blocks, an index and a trailer. A block is the CRC-32 of what
follows in it, the number of files, the length of their names, their states (`STATE_SIZE` bytes
each), their names with a zero byte behind each, and their records in the manifest. The index
has, for each folder, the length of its path, the offset and the length of its block, and the
path. The trailer is the index's offset, length and CRC-32. Numbers are little-endian.

A file is written under another name and put in place in one step. One that is cut short,
foreign or damaged reads as empty.

Why this is written by hand: an unchanged tree is to be digested in less time than `git status`
takes. So a folder's states, names and records lie here as they lie in memory, and are compared
and hashed without being taken apart. With a database (SQLite, `dbm`) each file would be a row of
its own, several times slower, and processes would wait for one another.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import tempfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from isal.isal_zlib import crc32

from imagebuilders.context.status import STATE_SIZE

logger = logging.getLogger(__name__)

MAGIC = b"imagebuilders content hashes 3\n"
MAX_FILE_SIZE = 256 * 1024 * 1024
"""No file grows beyond this, in bytes; what does not fit is not remembered."""

_BLOCK = struct.Struct("<III")
_INDEX = struct.Struct("<IQI")
_TRAILER = struct.Struct("<QQI")


class Block(NamedTuple):
    """What is remembered of the files of one folder.

    Attributes:
        names: their names in byte order, a zero byte behind each.
        states: their states when they were hashed.
        records: their records in the manifest.
    """

    names: bytes = b""
    states: bytes = b""
    records: bytes = b""


class CacheReader:
    """What was remembered.

    Attributes:
        folders: the number of folders with a block.
    """

    def __init__(
        self,
        file: BinaryIO | None,
        index: dict[str, tuple[int, int]] | None = None,
    ) -> None:
        self._file = file
        self._index = index or {}
        self.folders = len(self._index)

    def __enter__(self) -> CacheReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def block(self, folder: str) -> Block:
        """Return what is remembered of a folder; nothing if its block is damaged."""
        data = self.block_bytes(folder)
        if len(data) < _BLOCK.size:
            return Block()
        checksum, count, length = _BLOCK.unpack_from(data)
        if crc32(memoryview(data)[4:]) != checksum:
            return Block()
        names_at = _BLOCK.size + count * STATE_SIZE
        records_at = names_at + length
        return Block(data[names_at:records_at], data[_BLOCK.size : names_at], data[records_at:])

    def block_bytes(self, folder: str) -> bytes:
        """Return the block of a folder as it is; nothing if there is none."""
        place = self._index.get(folder)
        if place is None or self._file is None:
            return b""
        offset, length = place
        try:
            return os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            logger.debug("The digest cache cannot be read: %s", error)
            return b""


def open_cache(path: Path) -> CacheReader:
    """Open the file; whatever is wrong with it, there is an empty one to read from."""
    try:
        file = path.open("rb")
    except OSError:
        return CacheReader(None)
    try:
        return _read_index(file)
    except (OSError, ValueError, struct.error) as error:
        logger.debug("The digest cache %s is ignored: %s", path, error)
        file.close()
        return CacheReader(None)


def _read_index(file: BinaryIO) -> CacheReader:
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is no file of hashes")
    end = file.seek(0, os.SEEK_END) - _TRAILER.size
    file.seek(max(end, 0))
    offset, length, checksum = _TRAILER.unpack(file.read(_TRAILER.size))
    if offset + length != end:
        raise ValueError("it is cut short")
    file.seek(offset)
    data = file.read(length)
    if crc32(data) != checksum:
        raise ValueError("its index is damaged")
    index = {}
    at = 0
    while at < length:
        path_length, block_offset, block_length = _INDEX.unpack_from(data, at)
        at += _INDEX.size
        path = data[at : at + path_length].decode("utf-8", "surrogateescape")
        index[path] = (block_offset, block_length)
        at += path_length
    return CacheReader(file, index)


class CacheWriter:
    """A file in the making; without a path, one that is never made."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._index = bytearray()
        self._at = len(MAGIC)
        self._file: BinaryIO | None = None
        self._name = ""
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, self._name = tempfile.mkstemp(".tmp", "hashes-", path.parent)
            self._file = os.fdopen(descriptor, "wb")
            self._file.write(MAGIC)

    def add(self, folder: str, block: Block) -> None:
        """Remember a folder's files.

        Raises:
            OSError: the file cannot be written.
        """
        names, states, records = block
        counts = struct.pack("<II", len(states) // STATE_SIZE, len(names))
        checksum = 0
        for piece in (counts, states, names, records):
            checksum = crc32(piece, checksum)
        self._add(folder, checksum.to_bytes(4, "little"), counts, states, names, records)

    def add_block(self, folder: str, block: bytes) -> None:
        """Take over a folder's block as another file had it.

        Raises:
            OSError: the file cannot be written.
        """
        self._add(folder, block)

    def _add(self, folder: str, *pieces: bytes) -> None:
        path = folder.encode("utf-8", "surrogateescape")
        length = sum(map(len, pieces))
        added = length + len(path) + _INDEX.size + _TRAILER.size
        if self._file is None or self._at + len(self._index) + added > MAX_FILE_SIZE:
            return
        self._file.writelines(pieces)
        self._index += _INDEX.pack(len(path), self._at, length) + path
        self._at += length

    def finish(self) -> None:
        """Put the file in place.

        Raises:
            OSError: the file cannot be written.
        """
        if self._file is None or self._path is None:
            return
        index = bytes(self._index)
        self._file.write(index)
        self._file.write(_TRAILER.pack(self._at, len(index), crc32(index)))
        self._file.close()
        os.replace(self._name, self._path)
        self._name = ""

    def close(self) -> None:
        """Close the file, and remove it if it is not in place."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._name:
            with contextlib.suppress(OSError):
                os.unlink(self._name)
            self._name = ""
