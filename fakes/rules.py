"""Rules that a test gives a double: of those that match, the newest wins."""

from __future__ import annotations

import fnmatch
import re
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

RuleT = TypeVar("RuleT")
Pattern = str | re.Pattern[str]
"""What a rule is meant for: a text itself, a shell pattern, or a compiled regular expression."""


def matches(pattern: Pattern, text: str) -> bool:
    """Return whether a pattern is meant for a text.

    A text matches itself, whatever it would mean as a shell pattern, as `pip install 'a[b]'`
    does; else it is taken for one. A regular expression matches where it is found (`re.search`).
    """
    if isinstance(pattern, re.Pattern):
        return pattern.search(text) is not None
    return pattern == text or fnmatch.fnmatchcase(text, pattern)


class Rules(Generic[RuleT]):
    """The rules of one kind, and which of them were of use."""

    def __init__(self) -> None:
        self._rules: list[RuleT] = []
        self._met: set[int] = set()
        self._lock = threading.Lock()

    def add(self, rule: RuleT) -> None:
        """Keep a rule, which goes before those that there are."""
        with self._lock:
            self._rules.insert(0, rule)

    def first(self, matches: Callable[[RuleT], bool]) -> RuleT | None:
        """The newest rule that matches, which is of use now; `None` without one."""
        found = next(filter(matches, self), None)
        if found is not None:
            with self._lock:
                self._met.add(id(found))
        return found

    def knows(self, matches: Callable[[RuleT], bool]) -> bool:
        """Return whether a rule matches; that is no use of it."""
        return any(map(matches, self))

    def unused(self) -> list[RuleT]:
        """The rules that nothing has met, oldest first."""
        with self._lock:
            return [rule for rule in reversed(self._rules) if id(rule) not in self._met]

    def __iter__(self) -> Iterator[RuleT]:
        with self._lock:
            return iter(tuple(self._rules))
