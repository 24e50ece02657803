"""Globs with many wild cards, matched in time that grows only with the length of the path.

Python's `re` tries all ways to share a path out among the wild cards, so a line such as
`*a*a*a*a*a*b` could keep it busy for hours; Go's engine does not do that. Here, as there,
all ways are followed at once, character by character, and what follows from what is
remembered (https://swtch.com/~rsc/regexp/regexp1.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from imagebuilders.context.go_regexp import compile_go

MANY = 3
"""From this number of wild cards of any length on, `re` may take too long."""

CharTest: TypeAlias = Callable[[str], object]
_MOST_REMEMBERED = 10_000


class LinearMatcher:
    """A glob, as a row of steps that each take a character or any number of them."""

    def __init__(self, expressions: Sequence[str]) -> None:
        """Make a matcher.

        Args:
            expressions: the glob's pieces as Go expressions: `[^/]*`, `.*`, `(.*/)?`, or something
                that takes exactly one character.
        """
        # For each state: the test for staying in it, the test for going on to the next one, and
        # whether the next one, or the one behind it, is reached without a character.
        self._stay: list[CharTest | None] = []
        self._go: list[CharTest | None] = []
        self._skip: list[int] = []
        for expression in expressions:
            if expression in ("[^/]*", ".*"):
                self._add(_not_slash if expression == "[^/]*" else _not_line_feed, None, 1)
            elif expression == "(.*/)?":
                self._add(None, None, 3)
                self._add(_not_line_feed, _slash, 0)
            else:
                self._add(None, compile_go(f"^{expression}$"), 0)
        self._end = 1 << len(self._stay)
        self._start = self._closed(1)
        self._known: dict[int, dict[str, int]] = {}
        self._remembered = 0

    def __call__(self, text: str) -> bool:
        """Say whether the glob matches all of the text."""
        states = self._start
        for char in text:
            following = self._known.setdefault(states, {})
            after = following.get(char)
            if after is None:
                after = self._after(states, char)
                self._remembered += 1
                if self._remembered > _MOST_REMEMBERED:
                    self._known.clear()
                    self._remembered = 0
                else:
                    following[char] = after
            if not after:
                return False
            states = after
        return bool(states & self._end)

    def _add(self, stay: CharTest | None, go: CharTest | None, skip: int) -> None:
        self._stay.append(stay)
        self._go.append(go)
        self._skip.append(skip)

    def _after(self, states: int, char: str) -> int:
        after = 0
        for index, (stay, go) in enumerate(zip(self._stay, self._go, strict=True)):
            if states >> index & 1:
                if stay is not None and stay(char):
                    after |= 1 << index
                if go is not None and go(char):
                    after |= 1 << index + 1
        return self._closed(after)

    def _closed(self, states: int) -> int:
        """Add the states that are reached without a character; `skip` has a bit for each."""
        for index, skip in enumerate(self._skip):
            if states >> index & 1:
                states |= skip << index + 1
        return states


def _slash(char: str) -> bool:
    return char == "/"


def _not_slash(char: str) -> bool:
    return char != "/"


def _not_line_feed(char: str) -> bool:
    return char != "\n"
