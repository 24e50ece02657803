"""Faults that a test plans, in the terms that all doubles share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .checks import check_count


@dataclass(kw_only=True)
class Fault:
    """How often a fault happens, whatever it is. What it is for, its double says.

    Attributes:
        times: how often it happens; `None` for always.
        skip: how many of those that it is for are let through first.
        hits: how often it happened.
    """

    times: int | None = 1
    skip: int = 0
    hits: int = 0
    _skipped: int = field(default=0, init=False, repr=False, compare=False)

    @property
    def is_answer(self) -> bool:
        """Whether it stands in the place of the double's own answer: later ones wait then."""
        return False

    def happens(self) -> bool:
        """Whether it happens to the next of those that it is for; counts."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self._skipped < self.skip:
            self._skipped += 1
            return False
        self.hits += 1
        return True


FaultT = TypeVar("FaultT", bound=Fault)


class Faults(Generic[FaultT]):
    """The faults that are planned for one double, in the order in which they were."""

    def __init__(self) -> None:
        self._faults: list[FaultT] = []
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()

    def add(self, fault: FaultT) -> FaultT:
        """Plan a fault.

        Raises:
            TypeError: `times` or `skip` is no number.
            ValueError: one of them is out of range.
        """
        check_count("times", fault.times, least=1, optional=True)
        check_count("skip", fault.skip)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: FaultT) -> None:
        """Take a fault back."""
        with self._lock:
            self._faults = [known for known in self._faults if known is not fault]

    def clear(self) -> None:
        """Take all faults back."""
        with self._lock:
            self._faults = []

    def __iter__(self) -> Iterator[FaultT]:
        return iter(tuple(self._faults))

    def __len__(self) -> int:
        return len(self._faults)

    def happening(self, is_for: Callable[[FaultT], bool]) -> list[FaultT]:
        """The faults that happen now, counted; none after one that is an answer.

        Args:
            is_for: whether a fault is for what is done now.
        """
        found = []
        with self._lock:
            for fault in self._faults:
                if is_for(fault) and fault.happens():
                    found.append(fault)
                    if fault.is_answer:
                        break
        return found


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """The method of an endpoint, as in `POST /build`, and the pattern of its path.

    Returns:
        The method in capitals, empty for any, and a shell pattern.
    """
    method, space, path = endpoint.partition(" ")
    if endpoint.startswith("/") or not space:
        return "", endpoint
    return method.upper(), path.strip()
