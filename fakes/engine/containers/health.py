"""A container's health: what its checks find, by the rules for their commands.

The checks are made up for when somebody looks, as many as were due by then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ... import go_text

NONE, STARTING, HEALTHY, UNHEALTHY = "none", "starting", "healthy", "unhealthy"

_SECOND = 1_000_000_000
_INTERVAL, _START_INTERVAL, _RETRIES = 30 * _SECOND, 5 * _SECOND, 3
_TIMEOUT = 30 * _SECOND
_KEPT = 5
_LONGEST_OUTPUT = 4096

Probe = Callable[[list[str], int], tuple[int, bytes]]
"""Runs the command of a check for so many nanoseconds; its exit code and what it printed."""


@dataclass
class HealthMonitor:
    """The health of a container that has a check.

    Attributes:
        check: as its configuration has it.
        shell: with which a command line is run.
        started: when the container was, in nanoseconds since the epoch.
        start_interval: the version knows an interval for the time of the start.
        status: what the checks found so far.
        streak: how many failed in a row.
        log: the newest checks.
        due: when the next one is; `None` when nothing is checked any more.
    """

    check: dict[str, Any]
    shell: list[str]
    started: int
    start_interval: bool
    status: str = STARTING
    streak: int = 0
    log: list[dict[str, Any]] = field(default_factory=list)
    due: int | None = None
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.resume(self.started)

    def resume(self, now: int) -> None:
        """Check from now on."""
        self.due = now + self._interval(now)

    def stop(self) -> None:
        """Check no more; what is not checked is not healthy."""
        self.due, self.status = None, UNHEALTHY

    def look(self, now: int, probe: Probe) -> bool:
        """Make the checks that are due; whether the status is another one than before.

        Who looks while a check is at work sees what there was before it.
        """
        if not self._looking.acquire(blocking=False):
            return False
        try:
            return self._make_up_for(now, probe)
        finally:
            self._looking.release()

    def _make_up_for(self, now: int, probe: Probe) -> bool:
        before = self.status
        skipped = self._most()
        while self.due is not None and self.due <= now:
            step = self._interval(self.due)
            missed = (now - self.due) // step - skipped
            if missed > 0:
                # Only the newest matter: each of them finds the same.
                self.due += missed * step
            self._check(self.due, probe)
            if self.due is not None:  # it may have been stopped meanwhile
                self.due += step
        return self.status != before

    def _most(self) -> int:
        return max(_KEPT, self._retries)

    @property
    def _retries(self) -> int:
        return self.check.get("Retries") or _RETRIES

    def _interval(self, now: int) -> int:
        """The time to the next check."""
        if self.start_interval and self.status == STARTING and self._is_starting(now):
            return self.check.get("StartInterval") or _START_INTERVAL
        return self.check.get("Interval") or _INTERVAL

    def _is_starting(self, now: int) -> bool:
        return now - self.started < (self.check.get("StartPeriod") or 0)

    def _check(self, now: int, probe: Probe) -> None:
        kind, *words = self.check.get("Test") or [""]
        command = [*self.shell, *words] if kind == "CMD-SHELL" else words
        code, output = probe(command, self.check.get("Timeout") or _TIMEOUT)
        if self.due is None:
            return
        stamp = go_text.rfc3339(now)
        entry = {"Start": stamp, "End": stamp, "ExitCode": code}
        entry["Output"] = output[:_LONGEST_OUTPUT].decode("utf-8", "replace")
        self.log = [*self.log, entry][-_KEPT:]
        if code == 0:
            self.streak, self.status = 0, HEALTHY
        elif self.status != STARTING or not self._is_starting(now):
            self.streak += 1
            if self.streak >= self._retries:
                self.status = UNHEALTHY

    def to_json(self) -> dict[str, Any]:
        """What a container's document says of its health."""
        return {"Status": self.status, "FailingStreak": self.streak, "Log": self.log}
