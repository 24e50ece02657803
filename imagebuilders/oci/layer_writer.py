"""Layers as archives, piece by piece: the same bytes for the same entries, on every machine.

Owners have no names, times are whole seconds, and of the extended attributes a file's
capabilities are written, as by BuildKit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.members import Member
from imagebuilders.oci.tar_header import BLOCK
from imagebuilders.oci.tar_writer import tar_header

PIECE_BYTES = 256 * 1024
"""About how long the pieces of an archive are."""

_ZEROS = bytes(BLOCK)


def write_layer(entries: Iterable[Member], *, latest: int | None = None) -> Iterator[bytes]:
    """Return a layer's archive in pieces; nothing but a piece is held.

    Args:
        entries: what is in it, in order.
        latest: later times become this one, in seconds since 1970 (`SOURCE_DATE_EPOCH` with
            `rewrite-timestamp`).

    Raises:
        ImageFormatError: a file has more or fewer bytes than its entry says.
        ImageBuilderError: a file cannot be read, or has changed.
    """
    held = bytearray()
    for entry in entries:
        file = _written(entry.file, latest)
        held += tar_header(entry.name, file, hard_link=entry.hard_link)
        if file.kind == "file" and not entry.hard_link:
            written = 0
            for piece in file.pieces():
                written += len(piece)
                held += piece
                if len(held) >= PIECE_BYTES:
                    yield bytes(held)
                    held.clear()
            if written != file.size:
                raise ImageFormatError(
                    f"The file {entry.name!a} has {written} bytes; it should have {file.size}."
                )
            held += _ZEROS[: -written % BLOCK]
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    held += _ZEROS * 2
    yield bytes(held)


def _written(file: File, latest: int | None) -> File:
    """Return a file as its header has it."""
    if latest is not None and file.mtime > latest:
        file = file._replace(mtime=latest)
    return file
