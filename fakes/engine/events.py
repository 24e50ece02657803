"""What happened in an engine, as `GET /events` tells it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

Event = dict[str, Any]


class EventLog:
    """Keeps events and wakes those who listen.

    Args:
        clock: nanoseconds since the epoch.
        kept: so many of the newest are kept; all of them for `None`.
    """

    def __init__(self, clock: Callable[[], int], kept: int | None = None) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=kept)
        self._count = 0
        self._changed = threading.Condition()

    def add(self, kind: str, action: str, actor: str, attributes: dict[str, str]) -> None:
        """Note that something happened to something."""
        now = self._clock()
        event: Event = {}
        if kind in ("image", "container"):
            event = {"status": action, **({"id": actor} if actor else {})}
            if kind == "container" and "image" in attributes:
                event["from"] = attributes["image"]
        event |= {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor, "Attributes": dict(sorted(attributes.items()))},
            "scope": "local",
            "time": now // 1_000_000_000,
            "timeNano": now,
        }
        with self._changed:
            self._events.append(event)
            self._count += 1
            self._changed.notify_all()

    def all(self) -> list[Event]:
        """Every event that is kept, oldest first."""
        with self._changed:
            return list(self._events)

    def follow(self, start: int, wait: float) -> Iterator[Event | None]:
        """Events from a position on; `None` each time none came for `wait` seconds."""
        position = start
        while True:
            with self._changed:
                if position >= self._count:
                    self._changed.wait(wait)
                # Of those that are gone already nobody can tell any more.
                forgotten = self._count - len(self._events)
                new = list(islice(self._events, max(position - forgotten, 0), None))
                position = self._count
            if new:
                yield from new
            else:
                yield None

    def __len__(self) -> int:
        """So many events have happened, those that are no longer kept too."""
        return self._count
