"""What ADD fetches by URL, as a file of a tree."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO

from imagebuilders.evaluation.questions import Downloads
from imagebuilders.evaluation.steps import UrlSource
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.digest import Digest, Hasher
from imagebuilders.oci.file_tree import File

STEP_FAILURE = "failed to load cache key: "
"""What stands before the words of what cannot be fetched for a step."""

_MODE = 0o600
_PIECE = 256 * 1024


@contextmanager
def download(downloads: Downloads, source: UrlSource) -> Iterator[File]:
    """Fetch a file; it lies on disk until the context is left.

    Raises:
        EvaluationError: it cannot be fetched, or is not what its checksum says.
    """
    with TemporaryFile() as stored:
        try:
            checksum = Digest.parse(source.checksum) if source.checksum else None
            hasher = Hasher() if checksum is None else Hasher(checksum.algorithm)
            with downloads.fetch(source) as answer:
                for piece in answer.chunks:
                    hasher.update(piece)
                    stored.write(piece)
                last_modified = answer.last_modified
        except ImageBuilderError as error:
            raise EvaluationError(f"{STEP_FAILURE}{error}") from error
        digest = hasher.digest()
        if checksum is not None and digest != checksum:
            raise EvaluationError(
                f"{STEP_FAILURE}digest mismatch for {source.url}: {digest} "
                f"(expected: {source.checksum})"
            )
        stored.flush()
        content = _StoredContent(stored, hasher.size, digest)
        yield File("file", _MODE, mtime=last_modified, content=content)


class _StoredContent:
    """Bytes that lie in an open file."""

    def __init__(self, stored: IO[bytes], size: int, digest: Digest) -> None:
        self._stored = stored
        self._digest = digest
        self.size = size

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece."""
        position = 0
        while position < self.size:
            piece = os.pread(self._stored.fileno(), _PIECE, position)
            position += len(piece)
            yield piece

    def digest(self) -> Digest:
        """Return their digest."""
        return self._digest
