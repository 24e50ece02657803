"""Gzip (RFC 1952) of a stream, with a header that carries neither time nor name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isal import isal_zlib

_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
LEVEL = 1
_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
_AT_ONCE = 1024 * 1024  # the compressor takes its time over each call


def gzip_stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress `chunks`."""
    compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -15)
    checksum = 0
    size = 0
    held: list[bytes] = []
    length = 0
    yield _HEADER
    for chunk in chunks:
        checksum = isal_zlib.crc32(chunk, checksum)
        size += len(chunk)
        held.append(chunk)
        length += len(chunk)
        if length >= _AT_ONCE:
            compressed = compressor.compress(b"".join(held))
            held.clear()
            length = 0
            if compressed:
                yield compressed
    yield compressor.compress(b"".join(held)) + compressor.flush()
    yield checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
