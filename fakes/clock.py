"""Time as the doubles take it: the machine's, or that of a clock which a test moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

_SECOND = 1_000_000_000


@runtime_checkable
class Clock(Protocol):
    """What a double asks for the time and waits by."""

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> object:
        """Let `seconds` pass."""
        ...


class ManualClock:
    """A clock that moves only when somebody sleeps: pauses cost no time and are remembered.

    Several doubles can have the same one.

    Args:
        start: seconds since the epoch that it begins at.

    Attributes:
        now: seconds since it was made.
        pauses: every pause, in seconds, in order.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._start = start
        self.now = 0.0
        self.pauses: list[float] = []

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return round((self._start + self.now) * _SECOND)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once, as a pause."""
        self.advance(seconds)
        self.pauses.append(seconds)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, for the test's own reasons."""
        self.now += seconds


def nanoseconds(clock: Clock | Callable[[], int] | None) -> Callable[[], int]:
    """Return what tells nanoseconds since the epoch.

    Args:
        clock: a clock, or a function that tells just that; the machine's when left out.
    """
    if clock is None:
        # Looked up each time, for a test may freeze the time after the double was made.
        return lambda: time.time_ns()
    return clock.time_ns if isinstance(clock, Clock) else clock


def seconds(clock: Clock | Callable[[], float] | None) -> Callable[[], float]:
    """Return what tells seconds since the epoch.

    Args:
        clock: a clock, or a function that tells just that; the machine's when left out.
    """
    if clock is None or isinstance(clock, Clock):
        tell = nanoseconds(clock)
        return lambda: tell() / _SECOND
    return clock
