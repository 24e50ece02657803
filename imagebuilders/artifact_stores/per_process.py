"""What holds connections and belongs to one process: a fork opens its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Held = TypeVar("_Held")


class _Slot(Generic[_Held]):
    """The object of one process, once it is made."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: _Held | None = None


class PerProcess(Generic[_Held]):
    """Holds an object that is made when first asked for, once in each process.

    A forked process never closes what is its parent's, nor waits for a lock that a thread of its
    parent held.
    """

    def __init__(self) -> None:
        self._slots: dict[int, _Slot[_Held]] = {}

    def get(self, make: Callable[[], _Held]) -> _Held:
        """Return this process's object; one that is missing is made."""
        slot = self._slot()
        with slot.lock:
            if slot.held is None:
                slot.held = make()
            return slot.held

    def take(self) -> _Held | None:
        """Let go of this process's object, if there is one, and return it to be closed."""
        slot = self._slot()
        with slot.lock:
            held, slot.held = slot.held, None
        return held

    def _slot(self) -> _Slot[_Held]:
        own = os.getpid()
        slot = self._slots.setdefault(own, _Slot())  # atomic, without a lock to inherit
        if len(self._slots) > 1:
            self._slots = {own: slot}
        return slot
