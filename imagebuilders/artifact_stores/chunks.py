"""Bytes on their way into a store, and the errors of whoever produces them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager


class SourceError(Exception):
    """The producer of the chunks, or the listener, raised `error`; the store is not at fault."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class ChunkSource:
    """The chunks to write, and whom to tell how many bytes were written.

    Whatever the producer or the listener raises comes out as `SourceError`, so that a store
    neither tries it again nor reports it as a fault of its own.
    """

    def __init__(
        self, chunks: Iterable[bytes], on_progress: Callable[[int], None] | None = None
    ) -> None:
        self._chunks = chunks
        self._on_progress = on_progress

    @property
    def repeatable(self) -> bool:
        """Whether the chunks can be had a second time; an iterator's cannot."""
        return not isinstance(self._chunks, Iterator)

    @contextmanager
    def open(self) -> Iterator[Iterator[bytes]]:
        """Give the chunks from the start; at the end of the block their producer is closed."""
        chunks = self._produce()
        try:
            yield chunks
        finally:
            chunks.close()

    def written(self, total: int) -> None:
        """Tell the listener that `total` bytes are in the store."""
        if self._on_progress is not None:
            try:
                self._on_progress(total)
            except Exception as error:
                raise SourceError(error) from error

    def _produce(self) -> Generator[bytes, None, None]:
        try:
            chunks = iter(self._chunks)
            try:
                yield from chunks
            finally:
                if isinstance(chunks, Generator):
                    chunks.close()
        except Exception as error:
            raise SourceError(error) from error
