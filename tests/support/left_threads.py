"""Threads that a test has started and that should have ended with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from contextlib import suppress


def left_threads(before: Collection[threading.Thread], *, seconds: float = 10) -> list[str]:
    """Wait for the threads that were started since, and return the names of those that run on.

    Args:
        before: the threads that there were.
        seconds: how long to wait for each.
    """
    since = set(threading.enumerate()) - set(before)
    for thread in since:
        _join(thread, seconds)
    return sorted(thread.name for thread in since if thread.is_alive())


def _join(thread: threading.Thread, seconds: float) -> None:
    while True:
        with suppress(RuntimeError):  # it is being started at this moment
            thread.join(seconds)
            return
        os.sched_yield()
