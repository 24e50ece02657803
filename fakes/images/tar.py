"""Archives that clients and registries send, and what an engine says of broken ones."""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.exceptions import ConfigurationError, LayerFormatError
from imagebuilders.oci.compression import Compression, decompressed, detect
from imagebuilders.oci.members import MAX_ARCHIVE_BYTES, Member, members
from imagebuilders.oci.tar_reader import read_tar

_END = bytes(1024)


class TarError(Exception):
    """A stream that is no tar, or ends too early.

    Attributes:
        in_stream: what is in it is whole, but not what it is compressed with.
    """

    def __init__(self, reason: str, *, in_stream: bool = False) -> None:
        super().__init__(reason)
        self.in_stream = in_stream


def plain(data: bytes) -> bytes:
    """The tar inside gzip, bzip2, xz or zstd, as far as it can be had; a plain tar as it is."""
    return _unpacked(data)[0]


def decompress(data: bytes) -> bytes:
    """The tar inside gzip, bzip2, xz or zstd; a plain tar as it is.

    Raises:
        TarError: on a broken stream.
    """
    unpacked, problem = _unpacked(data)
    if problem:
        raise TarError(problem)
    return unpacked


def _unpacked(data: bytes) -> tuple[bytes, str]:
    """What can be unpacked, and what an engine says of the rest; empty when there is none."""
    pieces = bytearray()
    try:
        # What is before a wrong checksum at the end counts.
        for piece in decompressed([data[:-8], data[-8:]], max_bytes=MAX_ARCHIVE_BYTES):
            pieces += piece
    except LayerFormatError as error:
        return bytes(pieces), _problem(error, data)
    except ConfigurationError as error:
        return b"", str(error)
    return bytes(pieces), ""


def _problem(error: LayerFormatError, data: bytes) -> str:
    if error.is_truncated:
        return "unexpected EOF"
    if detect(data) is not Compression.GZIP:
        return str(error.__cause__ or error)
    if "checksum" in str(error.__cause__):
        return "gzip: invalid checksum"
    return "flate: corrupt input before offset 1"


def entries(data: bytes, *, to_the_end: bool = False) -> Iterator[Member]:
    """The entries of a tar, compressed or not, in order; those before it breaks come first.

    Args:
        data: the tar.
        to_the_end: look at what follows the tar itself, too, as to its compression's checksum.

    Raises:
        TarError: when it is no tar or ends too early.
    """
    unpacked, problem = _unpacked(data)
    try:
        yield from members([unpacked], keep_odd=True)
    except LayerFormatError as error:
        raise _broken(error) from error
    if problem and (to_the_end or not unpacked.endswith(_END)):
        raise TarError(problem, in_stream=True)


def is_archive(data: bytes) -> bool:
    """Whether a file begins as a tar does, compressed or not."""
    if len(data) < 10:
        return False
    try:
        return next(read_tar([plain(data)]), None) is not None
    except LayerFormatError:
        return False


def read(data: bytes) -> list[Member]:
    """The entries of an uncompressed tar, in order, but for those of unknown types.

    Raises:
        TarError: when it is no tar or ends too early.
    """
    try:
        found = list(members([data], keep_odd=True))
    except LayerFormatError as error:
        raise _broken(error) from error
    return [member for member in found if member.file.kind != "other"]


def _broken(error: LayerFormatError) -> TarError:
    return TarError("unexpected EOF" if error.is_truncated else "archive/tar: invalid tar header")
