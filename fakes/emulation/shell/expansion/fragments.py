"""What expansions make of words, and how it is split into fields (POSIX.1-2017, 2.6.5)."""

from __future__ import annotations

from collections.abc import Sequence

from ..patterns import Piece

QUOTED, LITERAL, RESULT, BREAK = "quoted", "literal", "result", "break"
Fragment = tuple[str, str]
"""What kind of letters they are, and the letters."""


class FieldSplitter:
    """Splits fragments into the pieces of fields.

    Args:
        separators: the value of `IFS`.
    """

    def __init__(self, separators: str) -> None:
        self._separators = separators
        self._found: list[list[Piece]] = []
        self._current: list[Piece] = []
        self._is_begun = False
        self._follows_white = False

    def split(self, fragments: Sequence[Fragment]) -> list[list[Piece]]:
        """Return the fields."""
        for kind, text in fragments:
            if kind == BREAK:
                self._close()
                self._follows_white = False
            elif kind in (QUOTED, LITERAL):
                self._current.append((text, kind == QUOTED))
                self._is_begun = self._is_begun or kind == QUOTED or bool(text)
                self._follows_white = False
            elif not self._separators:
                self._current.append((text, False))
                self._is_begun = self._is_begun or bool(text)
            else:
                self._split_text(text)
        self._close()
        return self._found

    def _close(self) -> None:
        if self._is_begun:
            self._found.append(self._current)
        self._current, self._is_begun = [], False

    def _split_text(self, text: str) -> None:
        start = 0
        for place, letter in enumerate(text):
            if letter not in self._separators:
                self._is_begun = True
                self._follows_white = False
                continue
            self._add(text[start:place])
            start = place + 1
            self._separate(letter)
        self._add(text[start:])

    def _add(self, text: str) -> None:
        if text:
            self._current.append((text, False))

    def _separate(self, letter: str) -> None:
        if letter in " \t\n":
            if self._is_begun:
                self._close()
                self._follows_white = True
            return
        if not self._follows_white:
            self._is_begun = True  # a field that is empty
        self._close()
        self._follows_white = False
