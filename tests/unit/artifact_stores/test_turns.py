"""Turns that threads take."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebuilders.artifact_stores.turns import Turns


def test_one_after_another_by_name() -> None:
    """A block waits for another of its name, and for no other."""
    turns = Turns()
    order: list[str] = []
    has_begun = threading.Event()

    def wait() -> None:
        has_begun.set()
        with turns.turn("a"):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with turns.turn("a"):
            waiting = pool.submit(wait)
            assert has_begun.wait(10)
            with turns.turn("b"):
                order.append("first")
            assert not waiting.done()
        waiting.result(10)
    assert order == ["first", "second"]


def test_a_thread_may_take_its_turn_again() -> None:
    """What a listener of an upload does may be the same upload."""
    turns = Turns()
    with turns.turn("a") as is_first, turns.turn("a") as is_second_first:
        assert (is_first, is_second_first) == (True, False)
        assert len(turns) == 1
    with turns.turn("a") as is_first:
        assert is_first


def test_nothing_stays() -> None:
    """A turn is forgotten when nobody has it, and given on after an error."""
    turns = Turns()
    with pytest.raises(ValueError, match="x"), turns.turn("a"):
        raise ValueError("x")
    assert len(turns) == 0
    with turns.turn("a"):
        pass
