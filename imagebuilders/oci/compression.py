"""Unpacking what layers and archives are compressed with, piece by piece and within bounds.

The compression is known by its first bytes, as engines know it, and not by a name or a media type.
"""

from __future__ import annotations

import bz2
import enum
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol, cast

from isal import igzip_lib

from imagebuilders.exceptions import ConfigurationError, LayerFormatError

OUTPUT_BYTES = 256 * 1024
"""The most bytes of one unpacked piece: a few bytes can unpack to a gigabyte."""

_MAGIC_BYTES = 6


class Compression(enum.Enum):
    """How an archive is compressed."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"


_MAGICS = (
    (b"\x1f\x8b\x08", Compression.GZIP),
    (b"BZh", Compression.BZIP2),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
)


def detect(start: bytes) -> Compression:
    """Return what an archive is compressed with.

    Args:
        start: its first six bytes, or all if it has fewer.
    """
    return next((kind for magic, kind in _MAGICS if start.startswith(magic)), Compression.NONE)


def decompressed(pieces: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Unpack an archive; one that is not compressed is passed on.

    Several compressed streams one after the other are one, as the formats have it.

    Args:
        pieces: the archive.
        max_bytes: the most bytes to unpack.

    Raises:
        LayerFormatError: it is malformed, ends too early, or unpacks to more bytes.
        ConfigurationError: it is compressed with zstd, which this Python cannot unpack.
    """
    rest = iter(pieces)
    start = _start(rest)
    kind = detect(start)
    whole = chain((start,), rest)
    unpacked = whole if kind is Compression.NONE else _unpack(whole, kind)
    total = 0
    for piece in unpacked:
        total += len(piece)
        if total > max_bytes:
            raise LayerFormatError(f"The archive unpacks to more than {max_bytes} bytes.")
        yield piece


class _Decompressor(Protocol):
    """What the decompressors of all formats have in common."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether there is no more output without input."""
        ...

    @property
    def unused_data(self) -> bytes:
        """What follows the stream's end."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Unpack some more."""
        ...


def _start(rest: Iterator[bytes]) -> bytes:
    start = b""
    while len(start) < _MAGIC_BYTES:
        piece = next(rest, None)
        if piece is None:
            break
        start += piece
    return start


def _unpack(pieces: Iterable[bytes], kind: Compression) -> Iterator[bytes]:
    make, errors = _decompressor(kind)
    current: _Decompressor | None = None
    for piece in pieces:
        data = piece
        while data or (current is not None and not current.needs_input):
            current = current or make()
            try:
                output = current.decompress(data, OUTPUT_BYTES)
            except errors as error:
                raise LayerFormatError(
                    f"The archive is not what its first bytes say, {kind.value}: {error}."
                ) from error
            data = b""
            if output:
                yield output
            if current.eof:
                data, current = current.unused_data, None
    if current is not None:
        raise LayerFormatError(
            f"The archive, compressed with {kind.value}, ends too early.", is_truncated=True
        )


def _decompressor(
    kind: Compression,
) -> tuple[Callable[[], _Decompressor], tuple[type[Exception], ...]]:
    """Return what unpacks a stream, and the errors that it raises."""
    if kind is Compression.GZIP:
        failure: type[Exception] = cast("type[Exception]", igzip_lib.IsalError)
        return _gzip, (failure, EOFError, ValueError)
    if kind is Compression.BZIP2:
        return bz2.BZ2Decompressor, (OSError, EOFError, ValueError)
    if kind is Compression.XZ:
        return _xz, (lzma.LZMAError, EOFError, ValueError)
    return _zstd()


def _gzip() -> _Decompressor:
    # Its stubs call the arguments otherwise.
    return cast("_Decompressor", igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=256 * 1024 * 1024)


def _zstd() -> tuple[Callable[[], _Decompressor], tuple[type[Exception], ...]]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError as error:
        raise ConfigurationError(
            "The archive is compressed with zstd, which this Python cannot unpack: "
            "pip install 'imagebuilders[zstd]'."
        ) from error
    failure: type[Exception] = zstd.ZstdError
    return zstd.ZstdDecompressor, (failure, EOFError, ValueError)
