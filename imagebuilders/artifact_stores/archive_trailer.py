"""The trailer of an uploaded archive: how long it is, and of which context.

An upload checks with one request whether its archive is already there and whole. The size an
archive should have cannot be known without making it, and another file or a machine's memory
of it can be missing or wrong. So the archive says it itself: after the last byte of the
gzipped tar comes one more, empty gzip member (RFC 1952, 2.2: a gzip file is a series of
members), whose "extra field" holds

    the subfield id `IB` and its length, 40 (RFC 1952, 2.3.1.1)
    the size of the whole file, trailer included: 8 bytes, little-endian
    the context's digest: the 32 bytes of the SHA-256

Every reader of gzip skips it, as it skips the end marker of BGZF files, which is made the same
way.
"""

from __future__ import annotations

import struct

from imagebuilders.lazy_dataclass import dataclass

_HEADER = struct.Struct(
    "<"
    "3s"  # the gzip signature and the method, deflate
    "B"  # flags: an extra field follows
    "I"  # no time
    "B"  # no extra flags
    "B"  # made on no system in particular
    "H"  # length of the extra field
    "2sH"  # the subfield's id and length
    "Q32s"  # size and digest
)
# An empty final block of deflate, the CRC-32 of nothing, and the length of nothing.
_EMPTY = b"\x03\x00" + bytes(8)
_FIXED = (b"\x1f\x8b\x08", 0x04, 0, 0, 0xFF, 44, b"IB", 40)

TRAILER_SIZE = _HEADER.size + len(_EMPTY)
"""The length of a trailer in bytes."""


@dataclass(frozen=True)
class ArchiveTrailer:
    """What a trailer says: the size of the file it ends, in bytes, and the context's digest."""

    size: int
    digest: str


def make_trailer(content_size: int, digest: str) -> bytes:
    """Make the trailer for `content_size` bytes of archive of the context with that digest.

    Args:
        content_size: bytes before the trailer.
        digest: `sha256:` and 64 hexadecimal digits.
    """
    algorithm, _, hexadecimal = digest.partition(":")
    value = bytes.fromhex(hexadecimal)
    if algorithm != "sha256" or len(value) != 32:
        raise ValueError(f"{digest!r} is not a digest of the form sha256:<64 hexadecimal digits>")
    return _HEADER.pack(*_FIXED, content_size + TRAILER_SIZE, value) + _EMPTY


def read_trailer(tail: bytes) -> ArchiveTrailer | None:
    """Read the trailer off the end of a file; `None` when there is none."""
    raw = tail[-TRAILER_SIZE:]
    if len(raw) != TRAILER_SIZE or not raw.endswith(_EMPTY):
        return None
    *fixed, size, value = _HEADER.unpack_from(raw)
    return ArchiveTrailer(size, f"sha256:{value.hex()}") if tuple(fixed) == _FIXED else None
