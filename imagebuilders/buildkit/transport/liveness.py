"""Whether a peer that says nothing is still there."""

from __future__ import annotations

import time

from imagebuilders.buildkit.transport.errors import TransportError


class Liveness:
    """Knows when a silent peer is to be asked for a word, and when it is to be given up."""

    def __init__(self, idle_seconds: float, answer_seconds: float) -> None:
        self._idle = idle_seconds
        self._answer = answer_seconds
        self._heard = time.monotonic()
        self._asked: float | None = None
        self._expected: list[float] = []

    def expect(self, seconds: float) -> None:
        """Note that the peer is due to say something all the time, until `expect_no_more`."""
        self._expected.append(seconds)

    def expect_no_more(self, seconds: float) -> None:
        """Take an expectation back."""
        self._expected.remove(seconds)

    @property
    def _patience(self) -> float:
        return min([self._idle, *self._expected])

    def heard(self) -> None:
        """Note that the peer sent something."""
        self._heard = time.monotonic()
        self._asked = None

    def is_ping_due(self) -> bool:
        """Whether the peer is to be asked now.

        Raises:
            TransportError: it was asked, and did not answer in time.
        """
        now = time.monotonic()
        if self._asked is not None:
            if now - self._asked >= self._answer:
                raise TransportError(
                    f"the daemon has not answered for {now - self._heard:.0f} s: the connection "
                    "was given up"
                )
            return False
        if now - self._heard < self._patience:
            return False
        self._asked = now
        return True

    def seconds_left(self) -> float:
        """Return after how long something is to be done."""
        if self._asked is not None:
            return max(0.0, self._asked + self._answer - time.monotonic())
        return max(0.0, self._heard + self._patience - time.monotonic())
