"""The files of a layer as contents that are read when they are needed.

A layer's archive can be read only from its beginning. Files that are asked for in the order in
which they stand in it are read in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.content import Content, digest_pieces
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.members import MAX_ARCHIVE_BYTES, Member, members
from imagebuilders.oci.tar_header import TarEntry
from imagebuilders.oci.tar_reader import read_tar


class LayerContents:
    """A layer whose files are not held.

    Not for two threads at once.

    Args:
        open_blob: opens the layer's archive, compressed or not, as often as it is called. What
            it returns is closed, if that has a `close`.
        max_archive_bytes: the most bytes that the archive may unpack to.
    """

    def __init__(
        self,
        open_blob: Callable[[], Iterable[bytes]],
        *,
        max_archive_bytes: int = MAX_ARCHIVE_BYTES,
    ) -> None:
        self._open_blob = open_blob
        self._max_bytes = max_archive_bytes
        self._pass: _Pass | None = None

    def members(self) -> Iterator[Member]:
        """Return the layer's entries in order; what is in files can be read later.

        Raises:
            LayerFormatError: the archive is malformed, ends too early or unpacks to too much.
            ConfigurationError: it is compressed with zstd, which this Python cannot unpack.
        """
        reading = _Pass(self._open_blob(), self._max_bytes)
        try:
            yield from members(reading.unpacked, elsewhere=self._content)
        finally:
            reading.close()

    def pieces(self, index: int) -> Iterator[bytes]:
        """Return what is in the entry at a place of the archive.

        Raises:
            LayerFormatError, ConfigurationError: as for `members`.
        """
        reading = self._pass
        if reading is None or reading.index >= index:
            self.close()
            reading = self._pass = _Pass(self._open_blob(), self._max_bytes)
        content = reading.skip_to(index)
        if content is None:
            self.close()
            raise LayerFormatError("The layer has fewer entries than when it was read first.")
        for piece in content:
            yield piece
            if self._pass is not reading or reading.index != index:
                raise LayerFormatError("Two files of a layer were read at the same time.")

    def close(self) -> None:
        """Close what is open of the layer; it is opened again when it is needed."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def _content(self, index: int, entry: TarEntry) -> Content:
        return _LayerContent(self, index, entry.size)


class _Pass:
    """One reading of the archive.

    Attributes:
        unpacked: the archive, unpacked.
        index: which entry was returned last; -1 before the first.
    """

    def __init__(self, blob: Iterable[bytes], max_bytes: int) -> None:
        self._blob = blob
        self.unpacked = decompressed(blob, max_bytes=max_bytes)
        self.index = -1
        self._entries: Iterator[tuple[TarEntry, Iterator[bytes]]] | None = None

    def skip_to(self, index: int) -> Iterator[bytes] | None:
        """Return the content of an entry; `None` if the archive ends before it."""
        if self._entries is None:
            self._entries = read_tar(self.unpacked)
        for _, content in self._entries:
            self.index += 1
            if self.index == index:
                return content
        return None

    def close(self) -> None:
        """Close the archive."""
        for closable in (self._entries, self.unpacked, self._blob):
            close = getattr(closable, "close", None)
            if close is not None:
                close()


class _LayerContent:
    """What is in one file of a layer."""

    __slots__ = ("_digest", "_index", "_layer", "size")

    def __init__(self, layer: LayerContents, index: int, size: int) -> None:
        self._layer = layer
        self._index = index
        self._digest: Digest | None = None
        self.size = size

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece."""
        return self._layer.pieces(self._index)

    def digest(self) -> Digest:
        """Return the SHA-256 digest."""
        if self._digest is None:
            self._digest = digest_pieces(self.pieces())
        return self._digest
