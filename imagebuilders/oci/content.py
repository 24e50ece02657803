"""What is in a regular file of a tree, without having it in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from imagebuilders.oci.digest import Digest, Hasher


class Content(Protocol):
    """Where the bytes of a file can be read, as often as wanted."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece.

        Raises:
            ImageBuilderError: they cannot be read, or have changed.
        """
        ...

    def digest(self) -> Digest:
        """Return the SHA-256 digest; may read the bytes for it.

        Raises:
            ImageBuilderError: as for `pieces`.
        """
        ...


def digest_pieces(pieces: Iterable[bytes]) -> Digest:
    """Return the SHA-256 digest of bytes that come piece by piece."""
    hasher = Hasher()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()
