"""Reading tar archives as a stream, strictly and within bounds.

Written here rather than taken from `tarfile`, which takes a damaged header for the end of the
archive, reads headers of any size into memory, and goes backwards on a negative size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci import tar_sparse
from imagebuilders.oci.tar_header import (
    BLOCK,
    EntryType,
    TarEntry,
    malformed,
    parse_header,
    parse_records,
    with_records,
)
from imagebuilders.oci.tar_sparse import SparseMap

MAX_META_BYTES = 1024 * 1024
"""The most bytes of a long name, or of the PAX records of one entry."""
MAX_ENTRIES = 10_000_000

_ZEROS = bytes(BLOCK)
_META = frozenset("xgLK")


def read_tar(
    pieces: Iterable[bytes], *, max_entries: int = MAX_ENTRIES
) -> Iterator[tuple[TarEntry, Iterator[bytes]]]:
    """Return the entries of an uncompressed archive, each with the pieces of its content.

    The content can be read until the next entry is asked for; what is left of it is skipped.

    Args:
        pieces: the archive.
        max_entries: the most entries to read.

    Raises:
        LayerFormatError: the archive is malformed, or ends too early; also from the pieces.
    """
    source = _Source(pieces)
    count = 0
    while (found := _next_entry(source)) is not None:
        count += 1
        if count > max_entries:
            raise LayerFormatError(f"The archive has more than {max_entries} entries.")
        entry, sparse, stored = found
        content = _Content(source, stored)
        yield entry, content.read(stored) if sparse is None else sparse.fill(content.read)
        content.skip_rest()
    source.drain()


def _next_entry(source: _Source) -> tuple[TarEntry, SparseMap | None, int] | None:
    """Return the next entry, its map if it is sparse, and its stored bytes; `None` at the end."""
    records: dict[str, str] = {}
    long_name = long_link = ""
    while True:
        block = source.header()
        if block is None:
            # What was to be said of a next entry is about nothing then.
            return None
        entry = parse_header(block)
        if entry.flag not in _META:
            break
        content = source.meta(entry.size)
        if entry.flag == "x":
            records = parse_records(content)
        elif entry.flag == "L":
            long_name = content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        elif entry.flag == "K":
            long_link = content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    entry = replace(entry, name=long_name or entry.name, link=long_link or entry.link)
    return _sparse(source, block, with_records(entry, records))


def _sparse(
    source: _Source, block: bytes, entry: TarEntry
) -> tuple[TarEntry, SparseMap | None, int]:
    """Look for the map of a sparse file."""
    stored = entry.size
    if entry.flag == "S":
        found: SparseMap | None = tar_sparse.from_gnu_header(block, source.block)
    elif entry.type is EntryType.FILE and tar_sparse.is_version_1(entry.records):
        found, blocks = tar_sparse.from_data(entry.records, source.block)
        stored -= blocks * BLOCK
    else:
        found = tar_sparse.from_records(entry.records) if entry.type is EntryType.FILE else None
    if found is None:
        return entry, None, stored
    if found.stored != stored:
        raise malformed("a sparse file has more or less data than its map says")
    return replace(entry, size=found.size, name=found.name or entry.name), found, stored


class _Source:
    """The archive as blocks."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""
        self._at = 0

    def header(self) -> bytes | None:
        """Return the next header block; `None` at the archive's end.

        That is two blocks of zeros, or where the archive ends between two entries.
        """
        block = self._take(BLOCK)
        if not block:
            return None
        self._check(block)
        if block != _ZEROS:
            return block
        second = self._take(BLOCK)
        if second and second != _ZEROS[: len(second)]:
            raise malformed("an entry follows a block of zeros")
        return None

    def block(self) -> bytes:
        """Return the next block."""
        block = self._take(BLOCK)
        self._check(block)
        return block

    def meta(self, size: int) -> bytes:
        """Return the content of an entry that is about another one."""
        if size > MAX_META_BYTES:
            raise LayerFormatError(f"The archive has a header of {size} bytes.")
        content = b"".join(self.pieces(size))
        self.skip(-size % BLOCK)
        return content

    def pieces(self, size: int) -> Iterator[bytes]:
        """Return the next `size` bytes as they come."""
        while size:
            piece = self._next(size)
            if not piece:
                raise _truncated()
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over the next `size` bytes."""
        for _ in self.pieces(size):
            pass

    def skip_padding(self, size: int) -> None:
        """Pass over the next `size` bytes, which the last entry may lack."""
        self._take(size)

    def drain(self) -> None:
        """Read what follows the archive's end, so that whoever checks the whole sees all of it."""
        for _ in self._pieces:
            pass

    def _take(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the archive's end."""
        taken = self._next(size)
        while len(taken) < size and (piece := self._next(size - len(taken))):
            taken += piece
        return taken

    def _next(self, most: int) -> bytes:
        """Return some of the next bytes; none at the archive's end."""
        while self._at == len(self._held):
            following = next(self._pieces, None)
            if following is None:
                return b""
            self._held, self._at = following, 0
        piece = self._held[self._at : self._at + most]
        self._at += len(piece)
        return piece

    @staticmethod
    def _check(block: bytes) -> None:
        if len(block) < BLOCK:
            raise _truncated()


class _Content:
    """The stored bytes of one entry."""

    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % BLOCK
        self._is_over = False

    def read(self, size: int) -> Iterator[bytes]:
        """Return the next `size` bytes as they come."""
        for piece in self._source.pieces(size):
            self._left -= len(piece)
            yield piece
            if self._is_over:
                return

    def skip_rest(self) -> None:
        """Pass over what was not read."""
        self._is_over = True
        self._source.skip(self._left)
        self._source.skip_padding(self._padding)


def _truncated() -> LayerFormatError:
    return LayerFormatError("The archive ends too early.", is_truncated=True)
