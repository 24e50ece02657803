"""What everything in an engine stands on: its version, its time, its ids and its events."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from .events import EventLog
from .versions import EngineVersion


class EngineState:
    """The floor of one engine, which knows no store.

    Attributes:
        version: what the engine looks like.
        clock: nanoseconds since the epoch.
        events: what happened.
        lock: whoever holds it can look and then act; no image or name comes in between.
    """

    def __init__(
        self, version: EngineVersion, clock: Callable[[], int], kept_events: int | None = None
    ) -> None:
        self.version = version
        self.clock = clock
        self.events = EventLog(clock, kept_events)
        self.lock = threading.RLock()
        self._random = random.Random()  # noqa: S311  (ids, not secrets)

    def new_id(self) -> str:
        """Return a fresh id of 64 hexadecimal digits."""
        return f"{self._random.getrandbits(256):064x}"
