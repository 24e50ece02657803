"""When a request that failed is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import field
from email.utils import parsedate_to_datetime

from imagebuilders.lazy_dataclass import dataclass

TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""A request that was answered so may succeed when it is tried again."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which waits.

    The waits double from one to the next, and each is up to a half longer by chance, so that
    many clients do not come back at once. A registry's `Retry-After` counts where it is longer.

    Attributes:
        attempts: how often a request is sent at most.
        first_wait: seconds.
        longest_wait: seconds; a registry that asks for a longer one is not waited for.
        sleep: waits some seconds.
        clock: returns seconds since 1970, for a `Retry-After` that is a date.
        chance: returns a number from 0 to 1.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 60.0
    sleep: Callable[[float], object] = field(default_factory=lambda: time.sleep)
    clock: Callable[[], float] = field(default_factory=lambda: time.time)
    chance: Callable[[], float] = field(default_factory=lambda: random.random)

    def wait_before(self, attempt: int, retry_after: str = "") -> float | None:
        """Return how long to wait before the next attempt; `None` when there is to be none.

        Args:
            attempt: how many attempts there were.
            retry_after: the response's `Retry-After`, in seconds or as a date.
        """
        if attempt >= self.attempts:
            return None
        asked = self._seconds(retry_after)
        if asked > self.longest_wait:
            return None
        doublings = min(attempt - 1, 30)
        wait = self.first_wait * float(1 << doublings) * (1 + self.chance() / 2)
        return max(min(wait, self.longest_wait), asked)

    def _seconds(self, retry_after: str) -> float:
        """Read `Retry-After` (RFC 9110, 10.2.3); 0 when it cannot be read."""
        text = retry_after.strip()
        if text.isascii() and text.isdigit():
            return float(text[:18])
        try:
            return max(parsedate_to_datetime(text).timestamp() - self.clock(), 0)
        except (TypeError, ValueError, IndexError, OverflowError):
            return 0
