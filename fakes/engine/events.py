"""What happened in an engine, as `GET /events` tells it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

Event = dict[str, Any]


class EventLog:
    """Keeps events and wakes those who listen."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._events: list[Event] = []
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
            self._changed.notify_all()

    def all(self) -> list[Event]:
        """Every event so far."""
        with self._changed:
            return list(self._events)

    def follow(self, start: int, wait: float) -> Iterator[Event | None]:
        """Events from a position on; `None` each time none came for `wait` seconds."""
        position = start
        while True:
            with self._changed:
                if position >= len(self._events):
                    self._changed.wait(wait)
                new = self._events[position:]
            position += len(new)
            if new:
                yield from new
            else:
                yield None

    def __len__(self) -> int:
        return len(self._events)
