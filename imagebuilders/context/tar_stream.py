"""A tar archive as a stream of bytes, the same for the same entries everywhere.

GNU format (https://www.gnu.org/software/tar/manual/html_node/Standard.html): names are
bytes of any length, sizes have no bound, times are whole seconds. Engines recognise an
uncompressed archive of this format; one that begins with a PAX header they do not.
Owners are 0 and nameless. A hard link is written as the file it is, since a copy of the
tree need not have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from imagebuilders.context.content import CHUNK_SIZE, read_chunks
from imagebuilders.context.entries import Entry, EntryType, encode_path

BLOCK = 512
RECORD = 20 * BLOCK
_MAX_OCTAL_SIZE = 8**11 - 1
_TAIL = b"ustar  \0" + bytes(32 + 32 + 8 + 8 + 167)
_FIXED_SUM = sum(_TAIL) + 8 * 0x20
_TYPES = {EntryType.FILE: b"0", EntryType.DIRECTORY: b"5", EntryType.LINK: b"2"}
_ZEROS = bytes(RECORD)


def tar_stream(
    entries: Iterable[Entry], mtime: Callable[[Entry], int], *, keep_modes: bool = False
) -> Iterator[bytes]:
    """Give the archive of `entries` in pieces of about `CHUNK_SIZE`.

    Args:
        entries: what goes in, in order.
        mtime: gives the time to write for an entry, in whole seconds since 1970.
        keep_modes: write the permission bits as they are on disk, not the normal ones.

    Raises:
        ContextChangedError: a file changed after its entry was made.
        BuildContextError: a file cannot be read.
    """
    pieces: list[bytes] = []
    held = 0
    total = 0
    for entry in entries:
        mode = entry.mode if keep_modes else entry.normal_mode
        head = _header(entry, mtime(entry), mode)
        pieces.append(head)
        held += len(head)
        if entry.size:
            for chunk in read_chunks(entry):
                pieces.append(chunk)
                held += len(chunk)
                if held >= CHUNK_SIZE:
                    yield b"".join(pieces)
                    pieces.clear()
                    total += held
                    held = 0
            padding = -entry.size % BLOCK
            pieces.append(_ZEROS[:padding])
            held += padding
        if held >= CHUNK_SIZE:
            yield b"".join(pieces)
            pieces.clear()
            total += held
            held = 0
    end = 2 * BLOCK
    end += -(total + held + end) % RECORD
    pieces.append(_ZEROS[:end] if end <= RECORD else bytes(end))
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
    fields = b"%07o\x000000000\x000000000\x00%b%b" % (mode, _number(size), _number(mtime))
    checksum = sum(name) + sum(fields) + kind[0] + sum(link) + _FIXED_SUM
    return b"%b%b%06o\0 %b%b%b" % (
        name.ljust(100, b"\0"),
        fields,
        checksum,
        kind,
        link.ljust(100, b"\0"),
        _TAIL,
    )


def _number(value: int) -> bytes:
    if 0 <= value <= _MAX_OCTAL_SIZE:
        return b"%011o\0" % value
    # Base 256, for sizes of 8 GiB and more and for times before 1970.
    return (0x80 if value >= 0 else 0xFF).to_bytes(1, "big") + value.to_bytes(
        11, "big", signed=True
    )
