"""The characters of a word, and the words they make up."""

from __future__ import annotations

import re

from imagebuilders.go_text import WHITE_SPACE, replace_undecodable

_PLAIN = re.compile(r"""[^$<'"}/\\`]+""")
_SPACES = re.compile(f"[{re.escape(WHITE_SPACE)}]+")
_HERE_DOCUMENT = re.compile(r"<(?:<[\t\r ]*)?")
_SPECIAL_PARAMETERS = frozenset("@*#?-$!0")


class Scanner:
    """Takes the characters of a word one after another.

    Attributes:
        source: the word, as Go reads characters.
        position: where the next one stands.
    """

    def __init__(self, word: str) -> None:
        self.source = replace_undecodable(word).removeprefix("\ufeff")
        self.position = 0

    @property
    def at_end(self) -> bool:
        """Whether all characters were taken."""
        return self.position == len(self.source)

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.source[self.position : self.position + 1]

    def take(self) -> str:
        """Take the next character; empty at the end."""
        char = self.peek()
        self.position += len(char)
        return char

    def take_plain(self) -> str:
        """Take characters that mean nothing to a shell; at least one."""
        return self._take_match(_PLAIN) or self.take()

    def take_here_document(self) -> str:
        """Take a `<`, or a `<<` and the spaces behind it."""
        return self._take_match(_HERE_DOCUMENT)

    def take_until(self, mark: str) -> str | None:
        """Take all up to a mark, and the mark; `None`, and all, if it does not follow."""
        end = self.source.find(mark, self.position)
        if end < 0:
            self.position = len(self.source)
            return None
        text, self.position = self.source[self.position : end], end + len(mark)
        return text

    def take_name(self) -> str:
        """Take a variable's name: a word, a number, or one of the special characters."""
        start = self.position
        first = self.peek()
        if first in _SPECIAL_PARAMETERS and not first.isdecimal():
            return self.take()
        belongs = str.isdecimal if first.isdecimal() else _is_name_character
        while belongs(self.peek()):
            self.take()
        return self.source[start : self.position]

    def _take_match(self, expression: re.Pattern[str]) -> str:
        match = expression.match(self.source, self.position)
        text = match[0] if match else ""
        self.position += len(text)
        return text


def _is_name_character(char: str) -> bool:
    return char.isalpha() or char.isdecimal() or char == "_"


class Words:
    """Collects the words between spaces that are not quoted.

    Attributes:
        done: the words that have ended.
        current: the parts of the one that has not.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.current: list[str] = []

    def add(self, text: str) -> None:
        """Add text that spaces divide."""
        first, *others = _SPACES.split(text)
        self.add_whole(first)
        for other in others:
            self.finish()
            self.add_whole(other)

    def add_whole(self, text: str) -> None:
        """Add text whose spaces are quoted."""
        if text:
            self.current.append(text)

    def finish(self) -> None:
        """End the word that is being collected."""
        if self.current:
            self.done.append("".join(self.current))
            self.current = []
