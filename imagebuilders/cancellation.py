"""Stopping from another thread what a thread does.

Whoever waits for a daemon says within the `with` block of `stopped_by` how its wait can be broken
off. A `Cancellation` that was made current in the thread's context breaks it off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancellation:
    """Whether something is to stop, and what stops it. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self._is_cancelled = False

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to stop."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Stop what goes on, and whatever would begin later. It may take a moment."""
        with self._lock:
            self._is_cancelled = True
            stops = list(self._stops)
        for stop in stops:
            stop()

    @contextmanager
    def stopped_by(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have a function called if the block is to stop; at once if it is to already."""
        with self._lock:
            self._stops.append(stop)
            is_late = self._is_cancelled
        try:
            if is_late:
                stop()
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """Let what the block does in this context be stopped by this."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[Cancellation | None] = ContextVar("imagebuilders_cancellation", default=None)


@contextmanager
def stopped_by(stop: Callable[[], None]) -> Iterator[None]:
    """Have a function called, in another thread, if the block is to stop.

    Args:
        stop: breaks the wait of the block off; called once, or more often.
    """
    current = _current.get()
    if current is None:
        yield
        return
    with current.stopped_by(stop):
        yield
