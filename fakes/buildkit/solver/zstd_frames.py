"""Content as a frame of zstd (RFC 8878), of blocks that any decoder takes.

Runs of zeros, of which archives have many, are blocks of one byte; all else is as it is. So the
bytes are the same on every machine, and no library is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MAGIC = b"\x28\xb5\x2f\xfd"
# A frame that tells its content's size in eight bytes, and a window of 128 KiB.
_DESCRIPTOR = b"\xc0\x38"
_LONGEST = 1 << 17
_RAW, _RUN = 0, 1
_ZEROS = re.compile(rb"\0{16,}")


def zstd_frame(content: bytes) -> bytes:
    """Return a frame that has some content."""
    blocks = list(_blocks(content)) or [(_RAW, 0, b"")]
    pieces = [_MAGIC, _DESCRIPTOR, len(content).to_bytes(8, "little")]
    for number, (kind, size, data) in enumerate(blocks, 1):
        header = (number == len(blocks)) | kind << 1 | size << 3
        pieces += [header.to_bytes(3, "little"), data]
    return b"".join(pieces)


def _blocks(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield blocks: their kinds, the sizes of what they stand for, and their data."""
    start = 0
    for zeros in _ZEROS.finditer(content):
        yield from _raw(content[start : zeros.start()])
        start = zeros.end()
        for size in _sizes(start - zeros.start()):
            yield _RUN, size, b"\0"
    yield from _raw(content[start:])


def _raw(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    start = 0
    for size in _sizes(len(data)):
        yield _RAW, size, data[start : start + size]
        start += size


def _sizes(length: int) -> Iterator[int]:
    while length > 0:
        yield min(length, _LONGEST)
        length -= _LONGEST
