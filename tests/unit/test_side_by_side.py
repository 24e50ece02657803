"""Several pieces of work at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from imagebuilders.cancellation import stopped_by
from imagebuilders.events import Event, Notice, emit
from imagebuilders.side_by_side import Tell, run_side_by_side


def _work(name: str, others: threading.Barrier) -> Callable[[Tell], str]:
    def work(tell: Tell) -> str:
        others.wait(10)
        tell(Notice(f"{name} begins"))
        emit(Notice(f"{name} ends"))
        return name

    return work


def test_all_results_come_in_order_and_events_in_one_thread() -> None:
    """All run at once; what they tell and what they emit is told by the thread that waits."""
    together = threading.Barrier(3)
    told: list[tuple[str, int]] = []

    def tell(event: Event) -> None:
        assert isinstance(event, Notice)
        told.append((event.message, threading.get_ident()))

    names = ["a", "b", "c"]
    assert run_side_by_side([_work(name, together) for name in names], tell) == names
    assert {thread for _, thread in told} == {threading.get_ident()}
    assert sorted(message for message, _ in told) == [
        f"{name} {what}" for name in names for what in ("begins", "ends")
    ]


def _until_stopped(begun: threading.Event) -> Callable[[Tell], str]:
    def work(tell: Tell) -> str:
        stopped = threading.Event()
        with stopped_by(stopped.set):
            begun.set()
            assert stopped.wait(10)
        tell(Notice("this is not heard any more"))
        return "never"

    return work


def test_the_first_failure_stops_the_others() -> None:
    """It is what is raised, whatever the others come to."""
    begun = threading.Event()

    def fail(_: Tell) -> str:
        begun.wait(10)
        raise ValueError("first")

    told: list[Event] = []
    with pytest.raises(ValueError, match="first"):
        run_side_by_side([_until_stopped(begun), fail], told.append)
    assert told == []


def test_what_a_listener_raises_stops_all() -> None:
    """It comes through unchanged."""
    begun = threading.Event()

    def speak(tell: Tell) -> str:
        begun.wait(10)
        tell(Notice("hello"))
        return "never"

    def listener(_: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([_until_stopped(begun), speak], listener)
    assert not [t for t in threading.enumerate() if t.name.startswith("imagebuilders build")]
