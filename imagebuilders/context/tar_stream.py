"""A tar archive as a stream of bytes, the same for the same entries everywhere.

GNU format (https://www.gnu.org/software/tar/manual/html_node/Standard.html): names are
bytes of any length, sizes have no bound, times are whole seconds. Engines recognise an
uncompressed archive of this format; one that begins with a PAX header they do not.
Owners are 0 and nameless. A hard link is written as the file it is, since a copy of the
tree need not have it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import lru_cache

from imagebuilders.context.content import CHUNK_SIZE, ContentReader
from imagebuilders.context.entries import Entry, EntryType, encode_path

BLOCK = 512
RECORD = 20 * BLOCK
_MAX_OCTAL_SIZE = 8**11 - 1
_TAIL = b"ustar  \0" + bytes(32 + 32 + 8 + 8 + 167)
_FIXED_SUM = sum(_TAIL) + 8 * 0x20
_TYPES = {EntryType.FILE: b"0", EntryType.DIRECTORY: b"5", EntryType.LINK: b"2"}
_ZEROS = bytes(BLOCK)


def tar_stream(
    entries: Iterable[Entry], mtime: Callable[[Entry], int], *, keep_modes: bool = False
) -> Generator[bytes, None, None]:
    """Yield the archive of `entries` in pieces of about `CHUNK_SIZE`.

    Args:
        entries: what goes in, in order.
        mtime: gives the time to write for an entry, in whole seconds since 1970.
        keep_modes: write the permission bits as they are on disk, not the normal ones.

    Raises:
        ContextChangedError: a file changed after its entry was made.
        BuildContextError: a file cannot be read.
    """
    with ContentReader() as reader:
        yield from _archive(entries, mtime, keep_modes, reader)


def _archive(
    entries: Iterable[Entry],
    mtime: Callable[[Entry], int],
    keep_modes: bool,
    reader: ContentReader,
) -> Generator[bytes, None, None]:
    pieces: list[bytes] = []
    held = 0
    total = 0
    for entry in entries:
        head = _header(entry, mtime(entry), entry.mode if keep_modes else entry.normal_mode)
        pieces.append(head)
        held += len(head)
        size = entry.size
        if size > CHUNK_SIZE:
            yield b"".join(pieces)
            yield from reader.read_chunks(entry)
            total += held + size
            held = 0
            pieces.clear()
        elif size:
            pieces.append(reader.read_whole(entry))
            held += size
        if size % BLOCK:
            pieces.append(_ZEROS[size % BLOCK :])
            held += BLOCK - size % BLOCK
        if held >= CHUNK_SIZE:
            yield b"".join(pieces)
            total += held
            held = 0
            pieces.clear()
    end = 2 * BLOCK
    end += -(total + held + end) % RECORD
    pieces.append(bytes(end))
    yield b"".join(pieces)


def _header(entry: Entry, mtime: int, mode: int) -> bytes:
    name = encode_path(entry.path)
    link = encode_path(entry.target)
    if entry.type is EntryType.DIRECTORY:
        name += b"/"
    long = b""
    if len(link) > 100:
        long += _long(b"K", link)
        link = link[:100]
    if len(name) > 100:
        long += _long(b"L", name)
        name = name[:100]
    return long + _block(name, mode, entry.size, mtime, _TYPES[entry.type], link)


def _long(kind: bytes, text: bytes) -> bytes:
    text += b"\0"
    return (
        _block(b"././@LongLink", 0o644, len(text), 0, kind, b"") + text + bytes(-len(text) % BLOCK)
    )


def _block(name: bytes, mode: int, size: int, mtime: int, kind: bytes, link: bytes) -> bytes:
    start, end, fixed = _fixed_fields(mode, mtime, kind)
    length = _number(size)
    return b"%b%b%b%b%06o\0 %b%b%b" % (
        name.ljust(100, b"\0"),
        start,
        length,
        end,
        sum(name) + sum(length) + sum(link) + fixed,
        kind,
        link.ljust(100, b"\0"),
        _TAIL,
    )


@lru_cache(maxsize=64)
def _fixed_fields(mode: int, mtime: int, kind: bytes) -> tuple[bytes, bytes, int]:
    """Return mode and owner, and the time, as they stand in a header, and what all these sum to."""
    start = b"%07o\x000000000\x000000000\x00" % mode
    end = _number(mtime)
    return start, end, sum(start) + sum(end) + kind[0] + _FIXED_SUM


def _number(value: int) -> bytes:
    if 0 <= value <= _MAX_OCTAL_SIZE:
        return b"%011o\0" % value
    # Base 256, for sizes of 8 GiB and more and for times before 1970.
    return (0x80 if value >= 0 else 0xFF).to_bytes(1, "big") + value.to_bytes(
        11, "big", signed=True
    )
