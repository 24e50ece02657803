"""What `${x#…}`, `${x/…}`, `${x:…}` and their kind make of a value."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...bounded_expressions import compile_bounded
from ..escapes import dollar_quoted
from ..jumps import ExpansionError
from ..patterns import Piece, compile_pattern, plain, regular_source
from ..quoting import quoted
from ..syntax import Parameter, Part, Word
from .arithmetic_expansion import evaluate
from .fragments import QUOTED, Fragment

if TYPE_CHECKING:
    from ..state import Shell


class ValueChanger(ABC):
    """Changes values as the operators of parameters say."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    @abstractmethod
    def text(self, word: Word, *, is_value: bool = False) -> str:
        """Expand a word to one text, without splitting or paths.

        Args:
            word: the word.
            is_value: it is an assignment's, where a tilde may follow a colon.
        """

    @abstractmethod
    def pattern(self, word: Word) -> list[Piece]:
        """Expand a word to a pattern, whose quoted letters stand for themselves."""

    @abstractmethod
    def _fragments(
        self,
        parts: Sequence[Part],
        *,
        in_quotes: bool = False,
        is_value: bool = False,
        is_single: bool = False,
    ) -> list[Fragment]:
        """Expand parts of a word."""

    def arithmetic(self, word: Word) -> int:
        """Expand a word, and return its value as an arithmetic expression.

        Raises:
            ExpansionError: it has none.
        """
        return self.evaluate(self.text(word))

    def evaluate(self, source: str) -> int:
        """Return the value of an arithmetic expression.

        Raises:
            ExpansionError: it has none.
        """
        return evaluate(self._shell, source)

    def carets(self, pieces: list[Piece]) -> list[Piece]:
        """Quote carets that stand for themselves: in dash, `[^a]` is no complement."""
        if not self._shell.dialect.is_dash:
            return pieces
        found: list[Piece] = []
        for text, is_quoted in pieces:
            if is_quoted or "^" not in text:
                found.append((text, is_quoted))
                continue
            found += [(part, part == "^") for part in re.split(r"(\^)", text) if part]
        return found

    def _substring(self, part: Parameter, value: str) -> str:
        start = self.arithmetic(part.word or Word(()))
        if start < 0:
            start += len(value)
            if start < 0:
                return ""
        if part.second is None:
            return value[start:]
        length = self.arithmetic(part.second)
        if length >= 0:
            return value[start : start + length]
        stop = len(value) + length
        if stop < start:
            if self._shell.dialect.is_bash:
                raise ExpansionError(f"{length}: substring expression < 0")
            return ""
        return value[start:stop]

    def _transformed(self, part: Parameter, value: str) -> str:
        operator = part.operator
        if operator[0] in "#%":
            return self._trimmed(operator, self.pattern(part.word or Word(())), value)
        if operator[0] == "/":
            return self._replaced(part, value)
        if operator[0] in "^,":
            return self._recased(part, value)
        if operator == "@Q":
            return quoted(value)
        if operator in ("@U", "@u", "@L"):
            return (
                value.upper()
                if operator == "@U"
                else value.lower()
                if operator == "@L"
                else (value[:1].upper() + value[1:])
            )
        if operator == "@E":
            return dollar_quoted(value)
        if operator == "@a":
            return self._shell.attributes(part.name)
        return value

    def _trimmed(self, operator: str, pieces: list[Piece], value: str) -> str:
        pattern = compile_pattern(self.carets(pieces), extended=self._shell.shopt("extglob"))
        positions = range(len(value) + 1)
        longest = len(operator) == 2
        if operator[0] == "#":
            for stop in reversed(positions) if longest else positions:
                if pattern.match(value[:stop]):
                    return value[stop:]
        else:
            for start in positions if longest else reversed(positions):
                if pattern.match(value[start:]):
                    return value[:start]
        return value

    def _replaced(self, part: Parameter, value: str) -> str:
        pieces = self.pattern(part.word or Word(()))
        operator = part.operator
        if not plain(pieces) and operator not in ("/#", "/%"):
            return value
        source = regular_source(pieces, extended=self._shell.shopt("extglob"))
        new = self._fragments(part.second.parts, is_single=True) if part.second is not None else []
        anchors = {"/#": ("\\A", ""), "/%": ("", "\\Z")}.get(operator, ("", ""))
        expression = compile_bounded(anchors[0] + "(?:" + source + ")" + anchors[1], re.S)
        shows_match = self._shell.dialect.is_bash

        def replacement(match: re.Match[str]) -> str:
            return "".join(
                text.replace("&", match[0]) if shows_match and kind != QUOTED else text
                for kind, text in new
            )

        return expression.sub(replacement, value, count=0 if operator == "//" else 1)

    def _recased(self, part: Parameter, value: str) -> str:
        operator = part.operator
        pieces = self.pattern(part.word) if part.word is not None else []
        if not plain(pieces):
            return _recased(operator, value)
        pattern = compile_pattern(pieces, extended=self._shell.shopt("extglob"))
        changed = [_recased(operator, one) if pattern.match(one) else one for one in value]
        return "".join(changed if len(operator) == 2 else [*changed[:1], *value[1:]])


def _recased(operator: str, value: str) -> str:
    if len(operator) == 2:
        return value.upper() if operator[0] == "^" else value.lower()
    first = value[:1].upper() if operator[0] == "^" else value[:1].lower()
    return first + value[1:]
