"""Rules that a test gives a double: of those that match, the newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

RuleT = TypeVar("RuleT")


class Rules(Generic[RuleT]):
    """The rules of one kind."""

    def __init__(self) -> None:
        self._rules: list[RuleT] = []
        self._lock = threading.Lock()

    def add(self, rule: RuleT) -> None:
        """Keep a rule, which goes before those that there are."""
        with self._lock:
            self._rules.insert(0, rule)

    def first(self, matches: Callable[[RuleT], bool]) -> RuleT | None:
        """The newest rule that matches, `None` without one."""
        return next(filter(matches, self), None)

    def __iter__(self) -> Iterator[RuleT]:
        with self._lock:
            return iter(tuple(self._rules))
