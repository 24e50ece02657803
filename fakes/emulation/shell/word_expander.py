"""What the state of a shell asks of the expansion of words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .patterns import Piece
from .syntax import Word


class WordExpander(Protocol):
    """Expands the words of one shell."""

    def fields(self, words: Iterable[Word]) -> list[str]:
        """Expand words to the arguments of a command."""
        ...

    def text(self, word: Word, *, is_value: bool = False) -> str:
        """Expand a word to one text, without splitting or paths."""
        ...

    def pattern(self, word: Word) -> list[Piece]:
        """Expand a word to a pattern, whose quoted letters stand for themselves."""
        ...

    def carets(self, pieces: list[Piece]) -> list[Piece]:
        """Quote carets that stand for themselves: in dash, `[^a]` is no complement."""
        ...

    def regular_expression(self, word: Word) -> str:
        """Expand the right side of `=~`."""
        ...

    def arithmetic(self, word: Word) -> int:
        """Expand a word, and return its value as an arithmetic expression."""
        ...

    def evaluate(self, source: str) -> int:
        """Return the value of an arithmetic expression."""
        ...
