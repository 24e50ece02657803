"""Turns that the threads of a process take, so that what one makes another need not make again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary


class _Turn:
    """Who has it may go on; the same thread may take it once more."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0


class Turns:
    """One lock for each name, kept as long as anybody has it or waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: WeakValueDictionary[str, _Turn] = WeakValueDictionary()

    @contextmanager
    def turn(self, name: str) -> Iterator[bool]:
        """Do the block when no other thread does a block of that name.

        It gets whether it is this thread's first: one within another of that name is not.
        """
        with self._lock:
            turn = self._turns.get(name)
            if turn is None:
                turn = self._turns[name] = _Turn()
        with turn.lock:
            turn.depth += 1
            try:
                yield turn.depth == 1
            finally:
                turn.depth -= 1

    def __len__(self) -> int:
        """Return how many names somebody has or waits for."""
        return len(self._turns)
