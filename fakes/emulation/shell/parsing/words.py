"""Reads words, and the quotes within them."""

from __future__ import annotations

from ..syntax import (
    Part,
    Quotes,
    Text,
    Word,
)
from .expansions import ExpansionReader

_ENDS_WORD = frozenset(" \t\n;&|<>()")


class _Parts:
    """The parts of a word, whose plain letters are joined.

    Args:
        is_quoted: whether the letters stand between quotes.
    """

    def __init__(self, *, is_quoted: bool) -> None:
        self._is_quoted = is_quoted
        self._found: list[Part] = []
        self._letters: list[str] = []

    def add(self, part: Part | str) -> None:
        """Add a part, or plain letters."""
        if isinstance(part, str):
            self._letters.append(part)
        else:
            self._close()
            self._found.append(part)

    def all(self) -> list[Part]:
        """Return them."""
        self._close()
        return self._found

    def _close(self) -> None:
        if self._letters:
            self._found.append(Text("".join(self._letters), is_quoted=self._is_quoted))
            self._letters.clear()


class WordReader(ExpansionReader):
    """Reads words; the commands within them are a parser's to read."""

    def _word(self, *, is_value: bool = False) -> Word | None:
        """Read a word; `None` if none is here.

        Args:
            is_value: it is an assignment's, and may be empty.
        """
        if not is_value:
            self._skip_blanks()
        if self._peek() == "#" and not is_value:
            self._skip_comment()
        start = self._position
        parts = self._parts(_ENDS_WORD, has_lists=self._has_pattern_lists())
        if start == self._position:
            return None
        return Word(tuple(parts), self._source[start : self._position])

    def _regular_expression(self) -> Word:
        """Read the right side of `=~`, where parentheses and bars are letters."""
        start = self._position
        parts: list[Part] = []
        depth = 0
        while not self._at_end():
            letter = self._peek()
            if letter in " \t\n" and not depth:
                break
            if letter == "(":
                depth += 1
            elif letter == ")":
                if not depth:
                    break
                depth -= 1
            if letter in " \t()|<>;&":
                parts.append(Text(letter))
                self._position += 1
                continue
            parts += self._parts(_ENDS_WORD)
        return Word(tuple(parts), self._source[start : self._position])

    def _parts(self, ends: frozenset[str], *, has_lists: bool = False) -> list[Part]:
        parts = _Parts(is_quoted=False)
        while not self._at_end():
            letter = self._source[self._position]
            if letter in "<>" and self._is_process_substitution():
                parts.add(self._process_substitution())
            elif letter in ends:
                break
            elif has_lists and letter in "?*+@!" and self._starts_with(f"{letter}("):
                self._pattern_list(parts)
            elif letter == "'":
                parts.add(self._single())
            elif letter == '"':
                self._position += 1
                parts.add(Quotes(tuple(self._double())))
            elif letter == "\\":
                self._escape(parts)
            else:
                self._letter(parts, in_quotes=False)
        return parts.all()

    def _has_pattern_lists(self) -> bool:
        """Tell whether `@(…)` and its kind are parts of words (`shopt -s extglob`)."""
        return False

    def _pattern_list(self, parts: _Parts) -> None:
        """Read `@(…|…)` and its kind, with all that ends a word elsewhere."""
        parts.add(self._source[self._position : self._position + 2])
        self._position += 2
        while not self._starts_with(")"):
            if self._at_end():
                raise self._unclosed(")")
            if self._peek() in _ENDS_WORD:
                self._letter(parts, in_quotes=False)
                continue
            for part in self._parts(_ENDS_WORD, has_lists=True):
                parts.add(part)
        self._letter(parts, in_quotes=False)

    def _escape(self, parts: _Parts) -> None:
        """Read a backslash outside of quotes."""
        following = self._source[self._position + 1 : self._position + 2]
        self._position += 1 + len(following)
        if following == "\n":
            self.line += 1
        else:
            parts.add(Text(following, is_quoted=True) if following else "\\")

    def _letter(self, parts: _Parts, *, in_quotes: bool) -> None:
        """Read what means the same in double quotes and outside."""
        letter = self._source[self._position]
        if letter == "$":
            parts.add(self._dollar(in_quotes=in_quotes))
        elif letter == "`":
            parts.add(self._backquotes(in_quotes=in_quotes))
        else:
            if letter == "\n":
                self.line += 1
            parts.add(letter)
            self._position += 1

    def _single(self) -> Part:
        stop = self._source.find("'", self._position + 1)
        if stop < 0:
            raise self._unclosed("'")
        text = self._source[self._position + 1 : stop]
        self.line += text.count("\n")
        self._position = stop + 1
        return Text(text, is_quoted=True)

    def _double(self, end: str = '"') -> list[Part]:
        parts = _Parts(is_quoted=True)
        while True:
            if self._at_end():
                if end:
                    raise self._unclosed('"')
                break
            letter = self._source[self._position]
            if letter == end:
                self._position += 1
                break
            if letter == "\\":
                self._quoted_escape(parts, end)
            else:
                self._letter(parts, in_quotes=True)
        return parts.all()

    def _quoted_escape(self, parts: _Parts, end: str) -> None:
        """Read a backslash between double quotes."""
        following = self._source[self._position + 1 : self._position + 2]
        if following == "\n":
            self._position += 2
            self.line += 1
        elif following and following in "$`\\" + end:
            parts.add(following)
            self._position += 2
        else:
            parts.add("\\")
            self._position += 1
