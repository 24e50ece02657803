"""The files of a layer as contents that are read when they are needed.

A layer's archive can be read only from its beginning. Files that are asked for in the order in
which they stand in it are read in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.content import digest_pieces
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

    def members(self, *, holds: Callable[[TarEntry], bool] = lambda _: False) -> Iterator[Member]:
        """Return the layer's entries in order; what is in files can be read later.

        Args:
            holds: says of a regular file whether its content is read at once, and held.

        Raises:
            LayerFormatError: the archive is malformed, ends too early or unpacks to too much.
            ConfigurationError: it is compressed with zstd, which this Python cannot unpack.
        """

        def elsewhere(index: int, entry: TarEntry) -> LayerContent | None:
            return None if holds(entry) else self.content(index, entry.size)

        reading = _Pass(self._open_blob(), self._max_bytes)
        try:
            yield from members(reading.unpacked, elsewhere=elsewhere)
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

    def finish(self) -> None:
        """Read the layer that is open to its end, where a registry's blob is checked.

        Raises:
            LayerFormatError, ConfigurationError: as for `members`.
        """
        if self._pass is not None:
            self._pass.skip_to(-1)
            self.close()

    def close(self) -> None:
        """Close what is open of the layer; it is opened again when it is needed."""
        if self._pass is not None:
            self._pass.close()
            self._pass = None

    def content(self, index: int, size: int) -> LayerContent:
        """Return what is in the entry at a place of the archive, to be read later.

        Args:
            index: the entry's place, from 0.
            size: how many bytes it has.
        """
        return LayerContent(self, index, size)


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


class LayerContent:
    """What is in one file of a layer.

    Attributes:
        layer: the layer.
        index: the entry's place in its archive, from 0.
        size: how many bytes there are.
    """

    __slots__ = ("_digest", "_stored", "index", "layer", "size")

    def __init__(self, layer: LayerContents, index: int, size: int) -> None:
        self.layer = layer
        self.index = index
        self._digest: Digest | None = None
        self._stored: Callable[[], Iterator[bytes]] | None = None
        self.size = size

    @property
    def is_stored(self) -> bool:
        """Whether it is read from elsewhere, and not from the layer."""
        return self._stored is not None

    def store(self, read: Callable[[], Iterator[bytes]], digest: Digest) -> None:
        """Read the bytes from elsewhere from now on.

        Args:
            read: returns them, piece by piece.
            digest: their SHA-256 digest.
        """
        self._stored = read
        self._digest = digest

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece."""
        return self.layer.pieces(self.index) if self._stored is None else self._stored()

    def digest(self) -> Digest:
        """Return the SHA-256 digest."""
        if self._digest is None:
            self._digest = digest_pieces(self.pieces())
        return self._digest
