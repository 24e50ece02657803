"""A clock on which pauses cost no time."""

from __future__ import annotations


class ManualClock:
    """A clock that moves only when somebody sleeps: pauses cost no time and are remembered.

    Attributes:
        now: seconds since it was made.
        pauses: every pause, in seconds, in order.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.now += seconds
        self.pauses.append(seconds)
