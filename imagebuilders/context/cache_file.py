"""The file that remembers content hashes: one block of records for each folder.

The file is a magic line, the blocks, an index and a trailer. A block is the CRC-32 of what
follows in it, the number of records, the records, and the names they belong to, each with a
zero byte at its end. A record is 44 bytes that tell one state of a file from another, and
the 32 bytes of the SHA-256. The index has, for each folder, the length of its path, the
offset and the length of its block, and the path. The trailer is the
index's offset, length and CRC-32. Numbers are little-endian.

A file is written under another name and put in place in one step. One that is cut short,
foreign or damaged reads as empty.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger(__name__)

MAGIC = b"imagebuilders content hashes 2\n"
KEY_SIZE = 44
RECORD_SIZE = KEY_SIZE + 32
MAX_FILE_SIZE = 192 * 1024 * 1024
"""No file grows beyond this, in bytes; what does not fit is not remembered."""

_BLOCK = struct.Struct("<II")
_INDEX = struct.Struct("<IQI")
_TRAILER = struct.Struct("<QQI")


class CacheReader:
    """What was remembered.

    Attributes:
        folders: the number of folders with records.
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

    def block(self, folder: str) -> dict[str, bytes]:
        """Give the records of a folder by name; none if the block is damaged."""
        data = self.block_bytes(folder)
        if len(data) < _BLOCK.size:
            return {}
        checksum, count = _BLOCK.unpack_from(data)
        if zlib.crc32(data[4:]) != checksum:
            return {}
        names_at = _BLOCK.size + count * RECORD_SIZE
        names = data[names_at:].decode("utf-8", "surrogateescape").split("\0")
        starts = range(_BLOCK.size, names_at, RECORD_SIZE)
        return {name: data[at : at + RECORD_SIZE] for name, at in zip(names, starts, strict=False)}

    def block_bytes(self, folder: str) -> bytes:
        """Give the block of a folder as it is; nothing if there is none."""
        place = self._index.get(folder)
        if place is None or self._file is None:
            return b""
        offset, length = place
        try:
            self._file.seek(offset)
            return self._file.read(length)
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
    if zlib.crc32(data) != checksum:
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

    def add(self, folder: str, records: dict[str, bytes]) -> None:
        """Remember a folder's records by name.

        Raises:
            OSError: the file cannot be written.
        """
        names = "\0".join([*records, ""]).encode("utf-8", "surrogateescape")
        body = b"%b%b%b" % (len(records).to_bytes(4, "little"), b"".join(records.values()), names)
        self.add_block(folder, zlib.crc32(body).to_bytes(4, "little") + body)

    def add_block(self, folder: str, block: bytes) -> None:
        """Take over a folder's block as another file had it.

        Raises:
            OSError: the file cannot be written.
        """
        path = folder.encode("utf-8", "surrogateescape")
        added = len(block) + len(path) + _INDEX.size
        if self._file is None or self._at + len(self._index) + added > MAX_FILE_SIZE:
            return
        self._file.write(block)
        self._index += _INDEX.pack(len(path), self._at, len(block)) + path
        self._at += len(block)

    def finish(self) -> None:
        """Put the file in place.

        Raises:
            OSError: the file cannot be written.
        """
        if self._file is None or self._path is None:
            return
        index = bytes(self._index)
        self._file.write(index)
        self._file.write(_TRAILER.pack(self._at, len(index), zlib.crc32(index)))
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
