"""Streams whose pieces are made in another thread."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.daemonless.read_ahead import read_ahead

_VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="")


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "imagebuilders read ahead"]


@given(pieces=st.lists(st.binary(max_size=3), max_size=20), ahead=st.integers(1, 5))
def test_the_pieces_in_order(pieces: list[bytes], ahead: int) -> None:
    """All pieces come, in order, however few may be made ahead."""
    assert list(read_ahead(pieces, ahead)) == pieces
    assert _threads() == []


def test_only_a_few_are_made_ahead() -> None:
    """A stream whose reader is slow is not held in memory."""
    made: list[int] = []
    full = threading.Event()

    def pieces() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if len(made) == 4:
                full.set()
            yield number

    with closing(read_ahead(pieces(), 2)) as stream:
        assert next(stream) == 0
        assert full.wait(10)
        assert len(made) == 4  # one is taken, the others wait
    assert len(made) == 4
    assert _threads() == []


def test_what_fails_in_the_thread_is_raised_here() -> None:
    """The pieces before a failure come first, then what happened."""

    def pieces() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    stream = read_ahead(pieces())
    assert next(stream) == 1
    with pytest.raises(OSError, match="gone"):
        next(stream)
    assert _threads() == []


def test_who_stops_early_leaves_no_thread() -> None:
    """A reader that fails ends the thread, though the stream has no end."""

    def pieces() -> Iterator[int]:
        while True:
            yield 1

    def fail() -> None:
        with closing(read_ahead(pieces())) as stream:
            raise ZeroDivisionError(next(stream))

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _threads() == []


def test_context_variables_are_seen() -> None:
    """What holds for the reader holds for the making of pieces."""
    token = _VARIABLE.set("set")
    try:
        assert list(read_ahead(_VARIABLE.get() for _ in range(2))) == ["set", "set"]
    finally:
        _VARIABLE.reset(token)
