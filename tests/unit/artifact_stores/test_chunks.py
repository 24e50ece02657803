"""Chunks on their way, and whose error it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imagebuilders.artifact_stores.chunks import ChunkSource, SourceError


def test_a_list_is_repeatable_and_a_generator_is_not() -> None:
    """Only what can be iterated again can be sent again."""
    assert ChunkSource([b"x"]).repeatable
    assert not ChunkSource(iter([b"x"])).repeatable
    assert not ChunkSource(b"x" for _ in "ab").repeatable


def test_chunks_begin_anew_each_time() -> None:
    """Each `open` gives the chunks from the start."""
    source = ChunkSource([b"a", b"b"])
    for _ in range(2):
        with source.open() as chunks:
            assert list(chunks) == [b"a", b"b"]


def test_the_producer_is_closed_early() -> None:
    """A generator that is not read to its end is closed at once, not when it is collected."""
    closed = []

    def produce() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    producer = produce()
    with ChunkSource(producer).open() as chunks:
        assert next(chunks) == b"a"
    assert closed == [True]


def test_the_listeners_error_is_carried() -> None:
    """A listener's error is told apart from the store's."""
    told: list[int] = []
    ChunkSource([], told.append).written(3)
    ChunkSource([]).written(3)
    assert told == [3]

    def refuse(_: int) -> None:
        raise KeyError("enough")

    with pytest.raises(SourceError) as caught:
        ChunkSource([], refuse).written(1)
    assert isinstance(caught.value.error, KeyError)
