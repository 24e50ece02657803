"""How often, and after which pause, a request with a transient fault is made again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from imagebuilders.lazy_dataclass import dataclass

_Result = TypeVar("_Result")

_MOST_DOUBLINGS = 64
"""After so many no delay is short any more; far more would be no number that a float holds."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter.

    The pause after the n-th failure is drawn evenly from zero to `first_delay * 2**(n - 1)`
    seconds, and never exceeds `longest_delay`, so that clients that failed together do not
    come back together.

    Attributes:
        attempts: how often a request is made in all, the first time included.
        first_delay: the longest pause after the first failure, in seconds.
        longest_delay: the longest pause of all, in seconds.
        sleep: waits for so many seconds.
        uniform: draws a number between the two it is given.
    """

    attempts: int = 5
    first_delay: float = 0.2
    longest_delay: float = 10.0
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def call(
        self,
        request: Callable[[], _Result],
        *,
        is_transient: Callable[[Exception], bool],
        before_pause: Callable[[Exception, int, float], None],
    ) -> _Result:
        """Make the request until it succeeds, fails for good, or `attempts` is used up.

        Args:
            request: makes the request; may be called several times.
            is_transient: whether an error may be gone at the next attempt.
            before_pause: told of the error, the number of failures and the pause in seconds.

        Raises:
            Exception: the last error of `request`, as it was raised.
        """
        failures = 0
        while True:
            try:
                return request()
            except Exception as error:
                failures += 1
                if failures >= self.attempts or not is_transient(error):
                    raise
                doublings = min(failures - 1, _MOST_DOUBLINGS)
                pause = self.uniform(
                    0.0, min(self.longest_delay, self.first_delay * 2.0**doublings)
                )
                before_pause(error, failures, pause)
            self.sleep(pause)
