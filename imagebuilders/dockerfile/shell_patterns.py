"""The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`.

`*` stands for any text and `?` for one character, neither for a line's end; there are no
character classes. BuildKit turns a pattern into a regular expression of RE2. Python's own would
try all ways to divide a text among several stars, so the texts between stars are looked for one
after another here, which finds the same.
"""

from __future__ import annotations

import re
from functools import cached_property

from imagebuilders.lazy_dataclass import dataclass

_TEMPLATE = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<braced>\w+)\})")
_ESCAPED = frozenset("*?\\")


class PatternError(ValueError):
    """A pattern escapes a character that needs no escape."""


def trim_prefix(value: str, pattern: str, *, greedy: bool) -> str:
    """Return `value` without the shortest, or the longest, beginning that matches.

    Raises:
        PatternError: in BuildKit's words.
    """
    end = _compile(pattern).match(value, 0, greedy=greedy)
    return value if end is None else value[end:]


def trim_suffix(value: str, pattern: str, *, greedy: bool) -> str:
    """Return `value` without the shortest, or the longest, end that matches.

    Raises:
        PatternError: in BuildKit's words.
    """
    return trim_prefix(value[::-1], _reversed(pattern), greedy=greedy)[::-1]


def replace(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """Return `value` with the first match, or every one, replaced.

    With `everywhere`, `$0` in the replacement is what matched, as in Go's `ReplaceAllString`.

    Raises:
        PatternError: in BuildKit's words.
    """
    compiled = _compile(pattern)
    if not everywhere:
        found = compiled.search(value, 0)
        return value if found is None else value[: found[0]] + replacement + value[found[1] :]
    out: list[str] = []
    copied = position = 0
    while position <= len(value) and (found := compiled.search(value, position)) is not None:
        start, end = found
        out.append(value[copied:start])
        # An empty match right behind another one does not count.
        if end > copied or start == 0:
            out.append(_filled(replacement, value[start:end]))
        copied = end
        position = max(position + 1, end)
    out.append(value[copied:])
    return "".join(out)


def _filled(template: str, matched: str) -> str:
    def fill(reference: re.Match[str]) -> str:
        name = reference["plain"] or reference["braced"]
        if name is None:
            return "$"
        return matched if name == "0" else ""

    return _TEMPLATE.sub(fill, template)


def _reversed(pattern: str) -> str:
    """Return a pattern from back to front, escapes still before what they escape."""
    return "".join(reversed(re.findall(r"(?s)\\.|.", pattern)))


@dataclass(frozen=True)
class _Text:
    """Text without stars; `None` among its characters stands for any one character."""

    characters: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def _literal(self) -> str | None:
        return None if None in self.characters else "".join(map(str, self.characters))

    @cached_property
    def _expression(self) -> str:
        return "".join("." if char is None else re.escape(char) for char in self.characters)

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        return re.compile(self._expression)

    @cached_property
    def _overlapping(self) -> re.Pattern[str]:
        return re.compile(f"(?={self._expression})")

    def stands_at(self, value: str, position: int) -> bool:
        if self._literal is not None:
            return value.startswith(self._literal, position)
        return self._anywhere.match(value, position) is not None

    def find(self, value: str, first: int, last: int) -> int:
        """Return the first place from `first` to `last` where the text stands, or -1."""
        end = min(len(value), last + len(self))
        if self._literal is not None:
            return value.find(self._literal, first, end)
        match = self._anywhere.search(value, first, end)
        return -1 if match is None else match.start()

    def find_last(self, value: str, first: int, last: int) -> int:
        """Return the last place from `first` to `last` where the text stands, or -1."""
        end = min(len(value), last + len(self))
        if self._literal is not None:
            return value.rfind(self._literal, first, end)
        place = -1
        for match in self._overlapping.finditer(value, first, end):
            place = match.start()
        return place


@dataclass(frozen=True)
class _Pattern:
    """The texts between the stars of a pattern; without a star there is one."""

    texts: tuple[_Text, ...]

    def match(self, value: str, position: int, *, greedy: bool) -> int | None:
        """Return the end of the match that begins at a position, or `None`."""
        first, *others = self.texts
        if not first.stands_at(value, position):
            return None
        position += len(first)
        line_end = -1
        for number, text in enumerate(others, start=1):
            # A star does not reach over the end of a line. The first place is as good as any
            # other for all texts but the last, which decides how much is matched.
            if position > line_end:
                line_end = _line_end(value, position)
            find = text.find_last if greedy and number == len(others) else text.find
            place = find(value, position, line_end)
            if place < 0:
                return None
            position = place + len(text)
        return position

    def search(self, value: str, position: int) -> tuple[int, int] | None:
        """Return where the first match from a position on begins and ends; stars are greedy."""
        first = self.texts[0]
        while (start := first.find(value, position, len(value))) >= 0:
            end = self.match(value, start, greedy=True)
            if end is not None:
                return start, end
            # What does not match here does not match further on in the same line either.
            line_end = _line_end(value, start + len(first))
            position = max(start + 1, line_end + 1 - len(first))
        return None


def _line_end(value: str, position: int) -> int:
    end = value.find("\n", position)
    return len(value) if end < 0 else end


def _compile(pattern: str) -> _Pattern:
    texts: list[list[str | None]] = [[]]
    characters = iter(pattern.removeprefix("\ufeff"))
    for char in characters:
        if char == "*":
            texts.append([])
        elif char == "?":
            texts[-1].append(None)
        elif char != "\\":
            texts[-1].append(char)
        else:
            escaped = next(characters, "\ufffd")
            if escaped not in _ESCAPED and escaped not in "}/":
                raise PatternError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'"
                )
            texts[-1].append(escaped)
    return _Pattern(tuple(_Text(tuple(text)) for text in texts))
