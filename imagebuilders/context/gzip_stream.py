"""Gzip (RFC 1952) of a stream, with a header that carries neither time nor name.

What does not get smaller (images, archives, random bytes) is stored rather than compressed
to no effect; samples decide, so that the result depends on the content alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isal import isal_zlib

LEVEL = 1
_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
_PORTION = 1024 * 1024  # the compressor takes its time over each call
_SAMPLE = 8 * 1024
_SAMPLES = 8
_STORED_LENGTH = 0xFFFF  # the most that a stored block holds (RFC 1951, 3.2.4)


def gzip_stream(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Compress `chunks`."""
    deflate = _Deflate()
    checksum = 0
    size = 0
    yield _HEADER
    for portion in _portions(chunks):
        checksum = isal_zlib.crc32(portion, checksum)
        size += len(portion)
        yield from deflate.add(portion)
    yield deflate.finish()
    yield checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


class _Deflate:
    """A raw deflate stream (RFC 1951) of compressed and stored stretches."""

    def __init__(self) -> None:
        self._compressor = _compressor()
        self._used = False

    def add(self, data: bytes) -> Iterator[bytes]:
        if _gets_smaller(data):
            self._used = True
            yield self._compressor.compress(data)
            return
        if self._used:  # end the stretch at a whole byte
            yield self._compressor.flush(isal_zlib.Z_SYNC_FLUSH)
            self._compressor = _compressor()
            self._used = False
        for at in range(0, len(data), _STORED_LENGTH):
            block = data[at : at + _STORED_LENGTH]
            length = len(block)
            yield b"\0%b%b" % (
                length.to_bytes(2, "little"),
                (length ^ 0xFFFF).to_bytes(2, "little"),
            )
            yield block

    def finish(self) -> bytes:
        return self._compressor.flush()


def _compressor() -> isal_zlib.Compress:
    return isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -15)


def _gets_smaller(data: bytes) -> bool:
    """Say whether samples from all over the data shrink; little data is not worth the question."""
    if len(data) < _PORTION:
        return True
    step = (len(data) - _SAMPLE) // (_SAMPLES - 1)
    return any(
        len(isal_zlib.compress(data[at : at + _SAMPLE], LEVEL)) < _SAMPLE * 0.97
        for at in range(0, step * _SAMPLES, step)
    )


def _portions(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces to portions of a mebibyte or a little more."""
    held: list[bytes] = []
    length = 0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= _PORTION:
            yield b"".join(held)
            held.clear()
            length = 0
    yield b"".join(held)
