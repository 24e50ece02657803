"""The lock of a connection, and waiting for what happens under it.

Both bear Ctrl-C at any moment. The lock is taken by `with` alone, which the interpreter does not
interrupt half-way as it does a function, `Condition.wait` among them. Who waits holds no lock, and
looks up now and then: a signal that comes just before a wait begins does not end it.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from imagebuilders.buildkit.transport.errors import TransportError

_LOOK_UP_SECONDS = 0.5


class ProcessGuard:
    """A lock that belongs to one process: a child that was forked from it is refused.

    The child has not the threads of the connection, and the lock may be held in it for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner = os.getpid()

    @property
    def lock(self) -> threading.RLock:
        """The lock; it is to be held while any state of the connection is used.

        Raises:
            TransportError: the process is another one.
        """
        if not self.is_owner:
            raise TransportError(
                "the connection belongs to the process that this one was forked from; make one here"
            )
        return self._lock

    @property
    def is_owner(self) -> bool:
        """Whether this is the process that made the connection."""
        return os.getpid() == self._owner


class Bell:
    """Something that threads wait for. Its methods are called with the lock held."""

    def __init__(self) -> None:
        self._waiting: list[queue.SimpleQueue[None]] = []

    def ring(self) -> None:
        """Have the threads that wait look again."""
        for token in self._waiting:
            token.put(None)

    def add(self, token: queue.SimpleQueue[None]) -> None:
        """Note a thread that waits."""
        self._waiting.append(token)

    def remove(self, token: queue.SimpleQueue[None]) -> None:
        """Forget it."""
        if token in self._waiting:
            self._waiting.remove(token)


def wait_for(
    guard: ProcessGuard,
    bells: Sequence[Bell],
    is_ready: Callable[[], bool],
    timeout: float | None = None,
) -> bool:
    """Wait, without the lock, until something is so; return whether it was in time.

    Args:
        guard: the lock, which this thread must not hold.
        bells: what rings when it may have become so.
        is_ready: whether it is; called with the lock held.
        timeout: seconds to wait; for ever by default.
    """
    end = None if timeout is None else time.monotonic() + timeout
    token: queue.SimpleQueue[None] = queue.SimpleQueue()
    try:
        with guard.lock:
            if is_ready():
                return True
            for bell in bells:
                bell.add(token)
        while True:
            left = _LOOK_UP_SECONDS if end is None else end - time.monotonic()
            if left <= 0:
                return False
            with suppress(queue.Empty):
                token.get(timeout=min(left, _LOOK_UP_SECONDS))
            with guard.lock:
                if is_ready():
                    return True
    finally:
        with guard.lock:
            for bell in bells:
                bell.remove(token)
