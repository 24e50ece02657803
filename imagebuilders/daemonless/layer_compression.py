"""What new layers are compressed with."""

from __future__ import annotations

import enum
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from importlib import import_module
from types import ModuleType
from typing import Protocol

import isal

from imagebuilders.context.gzip_stream import gzip_stream
from imagebuilders.daemonless.read_ahead import read_ahead
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.oci.media_types import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD

_ZSTD_LEVEL = 3
_PORTION = 1024 * 1024


class LayerCompression(enum.Enum):
    """What new layers are compressed with, under BuildKit's names."""

    GZIP = "gzip"
    ZSTD = "zstd"
    UNCOMPRESSED = "uncompressed"

    @property
    def media_type(self) -> str:
        """The media type of such a layer."""
        return {
            LayerCompression.GZIP: OCI_LAYER_GZIP,
            LayerCompression.ZSTD: OCI_LAYER_ZSTD,
            LayerCompression.UNCOMPRESSED: OCI_LAYER,
        }[self]


def compressed(
    pieces: Iterable[bytes], compression: LayerCompression
) -> Generator[bytes, None, None]:
    """Yield a layer's archive, compressed; close it where it may not be taken to its end.

    The archive is taken in a thread of its own: files are read while others are compressed.

    Raises:
        ConfigurationError: this Python has no zstd.
    """
    if compression is LayerCompression.UNCOMPRESSED:
        yield from pieces
        return
    # Of equal portions: what a compressor makes depends on what it is given at a time.
    with closing(read_ahead(_portions(pieces))) as portions:
        if compression is LayerCompression.GZIP:
            yield from gzip_stream(portions)
        else:
            yield from _zstd(portions)


def compressor_version(compression: LayerCompression) -> str:
    """Return what the bytes of a compressed layer depend on beside its archive."""
    if compression is LayerCompression.GZIP:
        return f"isal {isal.__version__}"
    if compression is LayerCompression.ZSTD:
        return f"zstd {_zstd_module().zstd_version}"
    return ""


def check_compression(compression: LayerCompression) -> None:
    """See whether layers can be compressed so.

    Raises:
        ConfigurationError: this Python has no zstd.
    """
    if compression is LayerCompression.ZSTD:
        _zstd_module()


class _Compressor(Protocol):
    """What is used of a compressor of zstd."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress some more."""
        ...

    def flush(self) -> bytes:
        """End the stream."""
        ...


def _portions(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= _PORTION:
            yield bytes(held[:_PORTION])
            del held[:_PORTION]
    if held:
        yield bytes(held)


def _zstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = _zstd_compressor()
    for piece in pieces:
        if some := compressor.compress(piece):
            yield some
    yield compressor.flush()


def _zstd_compressor() -> _Compressor:
    made: _Compressor = _zstd_module().ZstdCompressor(level=_ZSTD_LEVEL)
    return made


def _zstd_module() -> ModuleType:
    try:
        return import_module(
            "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        )
    except ImportError as error:
        raise ConfigurationError(
            "Layers cannot be compressed with zstd by this Python: pip install "
            "'imagebuilders[zstd]', or take gzip."
        ) from error
