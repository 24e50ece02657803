"""What is uploaded: bytes, a file, or pieces that come one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, cast

from imagebuilders.distribution.transport import PIECE_BYTES, FileBody
from imagebuilders.exceptions import DigestMismatchError
from imagebuilders.oci.digest import DEFAULT_ALGORITHM, Digest, Hasher

Content = bytes | BinaryIO | Iterable[bytes]
Replayable = bytes | FileBody


def replayable(content: Content, on_progress: Callable[[int], object]) -> Replayable | None:
    """Return content that can be sent again; `None` for pieces that come but once.

    Args:
        content: what is uploaded.
        on_progress: called with the number of bytes that were sent.

    Raises:
        TypeError: it is nothing that can be uploaded.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if hasattr(content, "read"):
        file = cast("BinaryIO", content)
        if not file.seekable():
            return None
        return FileBody(file, file.seek(0, os.SEEK_END), on_progress)
    given: object = content
    if isinstance(given, str) or not isinstance(given, Iterable):
        kind = type(content).__name__
        raise TypeError(f"content is bytes, a binary file or an iterable of bytes, not {kind}")
    return None


def pieces_of(content: Content) -> Iterator[bytes]:
    """Return the pieces of content that comes but once."""
    if hasattr(content, "read"):
        read = cast("BinaryIO", content).read
        return iter(lambda: read(PIECE_BYTES), b"")
    return iter(cast("Iterable[bytes]", content))


def digest_of(content: Replayable, algorithm: str = DEFAULT_ALGORITHM) -> Digest:
    """Return the digest of content that is there."""
    if isinstance(content, bytes):
        return Digest.of(content, algorithm)
    hasher = Hasher(algorithm)
    for piece in FileBody(content.file, content.size):
        hasher.update(piece)
    return hasher.digest()


def size_of(content: Replayable) -> int:
    """Return the number of bytes of content that is there."""
    return len(content) if isinstance(content, bytes) else content.size


class Chunks:
    """Cuts pieces into chunks, and computes the digest of them all.

    Args:
        pieces: the content.
        size: bytes of each chunk but the last.
        expected: the content's digest, if it is known.
    """

    def __init__(self, pieces: Iterable[bytes], size: int, expected: Digest | None = None) -> None:
        self._pieces = iter(pieces)
        self._rest = b""
        self._expected = expected
        self._hasher = Hasher(DEFAULT_ALGORITHM if expected is None else expected.algorithm)
        self.size = size

    def next(self) -> bytes:
        """Return the next chunk; an empty one at the end."""
        chunk = self._take(self.size)
        self._hasher.update(chunk)
        return chunk

    def grow(self, chunk: bytes, size: int) -> bytes:
        """Make this chunk, the last one returned, and all after it larger."""
        more = self._take(size - len(chunk))
        self._hasher.update(more)
        self.size = size
        return chunk + more

    def digest(self) -> Digest:
        """Return the digest of all chunks so far.

        Raises:
            DigestMismatchError: another one was expected.
        """
        actual = self._hasher.digest()
        if self._expected is not None and actual != self._expected:
            raise DigestMismatchError(
                f"The content is not that of {self._expected}: its digest is {actual}.",
                expected=str(self._expected),
                actual=str(actual),
            )
        return actual

    def _take(self, size: int) -> bytes:
        held, length = [self._rest], len(self._rest)
        while length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            held.append(piece)
            length += len(piece)
        joined = b"".join(held)
        self._rest = joined[size:]
        return joined[:size]
