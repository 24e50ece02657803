"""A zip archive as a stream of bytes, the same for the same entries everywhere.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. Sizes and checksums follow
each file (bit 3 of the flags), so no file is held or read twice. Symbolic links and modes
are written as Info-ZIP's tools write them.
"""

from __future__ import annotations

import stat
import struct
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO

from isal import isal_zlib

from imagebuilders.context.content import CHUNK_SIZE, ContentReader
from imagebuilders.context.entries import Entry, EntryType, encode_path

_LEVEL = 1
_DIRECTORY_IN_MEMORY = 16 * 1024 * 1024  # what is larger waits in a temporary file
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_MADE_BY_UNIX = 3 << 8 | 45
_NEEDED = 45  # 4.5: sizes of 64 bits
_FOLLOWED = 0x8  # the checksum and the sizes follow the data
_UTF8 = 0x800
_ALL = 0xFFFFFFFF
_FIRST_SECOND = 315532800  # 1980-01-01T00:00:00Z
_LAST_SECOND = 4354819199  # 2107-12-31T23:59:59Z
_KINDS = {
    EntryType.FILE: stat.S_IFREG,
    EntryType.DIRECTORY: stat.S_IFDIR,
    EntryType.LINK: stat.S_IFLNK,
}


def zip_stream(
    entries: Iterable[Entry], mtime: Callable[[Entry], int]
) -> Generator[bytes, None, None]:
    """Yield the archive of `entries` in pieces.

    Args:
        entries: what goes in, in order.
        mtime: gives the time to write for an entry, in whole seconds since 1970.

    Raises:
        ContextChangedError: a file changed after its entry was made.
        BuildContextError: a file cannot be read.
    """
    with (
        ContentReader() as reader,
        tempfile.SpooledTemporaryFile(_DIRECTORY_IN_MEMORY) as directory,
    ):
        yield from _archive(entries, mtime, reader, directory)


def _archive(
    entries: Iterable[Entry],
    mtime: Callable[[Entry], int],
    reader: ContentReader,
    directory: IO[bytes],
) -> Generator[bytes, None, None]:
    count = 0
    at = 0
    for entry in entries:
        name = encode_path(entry.path) + b"/" * (entry.type is EntryType.DIRECTORY)
        flags = _FOLLOWED | (0 if _stray(name) else _UTF8)
        day, clock = _dos_time(mtime(entry))
        local = _LOCAL.pack(b"PK\3\4", _NEEDED, flags, 8, clock, day, 0, _ALL, _ALL, len(name), 20)
        # The 64-bit field is there from the start, so that readers expect 64-bit sizes behind.
        local += name + struct.pack("<2H2Q", 1, 16, 0, 0)
        yield local
        checksum = size = packed = 0
        compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        for chunk in _content(entry, reader):
            checksum = isal_zlib.crc32(chunk, checksum)
            size += len(chunk)
            piece = compressor.compress(chunk)
            packed += len(piece)
            if piece:
                yield piece
        piece = compressor.flush()
        packed += len(piece)
        yield piece + struct.pack("<4sL2Q", b"PK\7\x08", checksum, packed, size)
        attributes = (_KINDS[entry.type] | entry.normal_mode) << 16
        attributes |= 0x10 * (entry.type is EntryType.DIRECTORY)
        central = _CENTRAL.pack(
            b"PK\1\2", _MADE_BY_UNIX, _NEEDED, flags, 8, clock, day, checksum,
            _ALL, _ALL, len(name), 28, 0, 0, 0, attributes, _ALL,
        )  # fmt: skip
        directory.write(central + name + struct.pack("<2H3Q", 1, 24, size, packed, at))
        count += 1
        at += len(local) + packed + 24
    length = directory.tell()
    directory.seek(0)
    yield from iter(lambda: directory.read(CHUNK_SIZE), b"")
    counts = struct.pack("<4Q", count, count, length, at)
    yield struct.pack("<4sQ2H2L", b"PK\6\6", 44, _MADE_BY_UNIX, _NEEDED, 0, 0) + counts
    yield struct.pack("<4sLQL", b"PK\6\7", 0, at + length, 1)
    short = min(count, 0xFFFF)
    yield struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, short, short, min(length, _ALL), min(at, _ALL), 0
    )


def _content(entry: Entry, reader: ContentReader) -> Iterator[bytes]:
    if entry.type is EntryType.LINK:
        return iter((encode_path(entry.target),))
    return reader.read_chunks(entry) if entry.type is EntryType.FILE else iter(())


def _stray(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return True
    return False


def _dos_time(seconds: int) -> tuple[int, int]:
    """Return day and clock, in UTC, as MS-DOS wrote them: from 1980 to 2107, in steps of 2 s."""
    if seconds < _FIRST_SECOND:
        return 0x21, 0
    if seconds > _LAST_SECOND:
        return 0xFF9F, 0xBF7D
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2
