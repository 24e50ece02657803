"""Go's regular expressions (RE2), read and rewritten for Python's `re`.

Docker turns a pattern with metacharacters into a Go regular expression and lets
some of the user's characters through unescaped. To mean the same, the expression
is parsed here as Go's `regexp/syntax` parses it (https://pkg.go.dev/regexp/syntax,
the Perl flags that `regexp.Compile` sets) and written again for Python. What Go
refuses is refused, with `RegexpSyntaxError`.

Why this is written by hand, and longer than other modules: Python's `re` neither refuses what
Go refuses nor has its classes, and the binding of RE2 (`google-re2`) is a C++ extension that
everybody would install for the few patterns that come here. It is one grammar with one parser,
which division would only scatter.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

Ranges = list[tuple[int, int]]

MAX_REPEAT = 1000
_MAX_CODE = sys.maxunicode

_PERL_CLASSES: dict[str, Ranges] = {
    "d": [(0x30, 0x39)],
    "s": [(0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20)],
    "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
}
_POSIX_CLASSES: dict[str, Ranges] = {
    "alnum": [(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)],
    "alpha": [(0x41, 0x5A), (0x61, 0x7A)],
    "ascii": [(0x00, 0x7F)],
    "blank": [(0x09, 0x09), (0x20, 0x20)],
    "cntrl": [(0x00, 0x1F), (0x7F, 0x7F)],
    "digit": [(0x30, 0x39)],
    "graph": [(0x21, 0x7E)],
    "lower": [(0x61, 0x7A)],
    "print": [(0x20, 0x7E)],
    "punct": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)],
    "space": [(0x09, 0x0D), (0x20, 0x20)],
    "upper": [(0x41, 0x5A)],
    "word": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
    "xdigit": [(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
}
_ASSERTIONS = {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_CONTROL = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
# A count with a leading zero is no count: Go then reads the brace as itself.
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}")


class RegexpSyntaxError(ValueError):
    """An expression that Go's `regexp.Compile` refuses."""


@lru_cache(maxsize=4096)
def compile_go(expression: str) -> Callable[[str], object]:
    """Compile a Go expression; the result is a function that is true where Go finds a match.

    Raises:
        RegexpSyntaxError: Go refuses the expression.
    """
    return re.compile(translate(expression)).search


def translate(expression: str) -> str:
    """Rewrite a Go expression for `re.search`.

    Raises:
        RegexpSyntaxError: Go refuses the expression.
    """
    return _Parser(expression).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> str:
        result = self._alternation()
        if self._at < len(self._text):
            raise RegexpSyntaxError("unexpected )")
        return result

    def _alternation(self) -> str:
        branches = [self._sequence()]
        while self._text.startswith("|", self._at):
            self._at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else "(?:" + "|".join(branches) + ")"

    def _sequence(self) -> str:
        """Parse up to `|`, `)` or the end."""
        items: list[str] = []
        repeated_from: int | None = None  # where the repetition just before this one began
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in "|)":
                break
            start = self._at
            if char in "*+?" or (char == "{" and _REPEAT.match(self._text, self._at)):
                low, high = self._repetition(char)
                if not items:
                    raise RegexpSyntaxError(
                        f"nothing to repeat before {self._text[start : self._at]}"
                    )
                if repeated_from is not None:
                    raise RegexpSyntaxError(
                        f"a repetition of a repetition: {self._text[repeated_from : self._at]}"
                    )
                items[-1] = _repeat(items[-1], low, high)
                repeated_from = start
                continue
            repeated_from = None
            if char == "\\" and self._text.startswith("Q", self._at + 1):
                end = self._text.find("\\E", self._at + 2)
                quoted = self._text[self._at + 2 : end if end >= 0 else None]
                items.extend(re.escape(one) for one in quoted)
                self._at = end + 2 if end >= 0 else len(self._text)
                continue
            items.append(self._one(char))
        return "".join(items)

    def _repetition(self, char: str) -> tuple[int, int | None]:
        if char == "{":
            found = _REPEAT.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            low = int(found[1])
            high = low if found[2] is None else int(found[3]) if found[3] else None
            if max(low, high or 0) > MAX_REPEAT or (high is not None and low > high):
                raise RegexpSyntaxError(f"invalid repeat count {found[0]}")
        else:
            self._at += 1
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        if self._text.startswith("?", self._at):  # a lazy repetition finds the same strings
            self._at += 1
        return low, high

    def _one(self, char: str) -> str:
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        self._at += 1
        if char == "(":
            inner = self._alternation()
            if not self._text.startswith(")", self._at):
                raise RegexpSyntaxError("missing )")
            self._at += 1
            return f"(?:{inner})"
        if char == ".":
            return r"[^\n]"
        if char == "^":
            return r"\A"
        if char == "$":
            return r"\Z"
        return re.escape(char)

    def _escape(self) -> str:
        char = self._text[self._at + 1 : self._at + 2]
        if char in _ASSERTIONS and char:
            self._at += 2
            return _ASSERTIONS[char]
        named = self._class_escape()
        if named is not None:
            return _render(named)
        return re.escape(chr(self._char_escape()))

    def _class_escape(self) -> Ranges | None:
        r"""Parse `\d`, `\pL`, `\p{Greek}` and their likes; `None` if none stands here."""
        char = self._text[self._at + 1 : self._at + 2]
        if char and char in "dswDSW":
            self._at += 2
            ranges = _PERL_CLASSES[char.lower()]
            return ranges if char.islower() else _negate(ranges)
        if char and char in "pP":
            return self._unicode_class(negated=char == "P")
        return None

    def _unicode_class(self, *, negated: bool) -> Ranges:
        start = self._at
        self._at += 2
        name = self._text[self._at : self._at + 1]
        self._at += 1
        if name == "{":
            end = self._text.find("}", self._at)
            if end < 0:
                raise RegexpSyntaxError(f"invalid character class range {self._text[start:]}")
            name = self._text[self._at : end]
            self._at = end + 1
        if name.startswith("^"):
            negated, name = not negated, name[1:]
        ranges = [(0, _MAX_CODE)] if name == "Any" else _category(name)
        if not ranges:
            spelling = self._text[start : self._at]
            raise RegexpSyntaxError(f"invalid character class range {spelling}")
        return _negate(ranges) if negated else ranges

    def _char_escape(self) -> int:
        """Parse a backslash and what it stands for; give the code point."""
        start = self._at
        self._at += 1
        if self._at == len(self._text):
            raise RegexpSyntaxError("it ends in a lone backslash")
        char = self._text[self._at]
        self._at += 1
        if char in "01234567":
            octal = re.compile("[0-7]{0,2}").match(self._text, self._at)
            assert octal is not None
            if char == "0" or octal[0]:
                self._at = octal.end()
                return int(char + octal[0], 8)
        elif char == "x":
            hexadecimal = re.compile(r"\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})").match(
                self._text, self._at
            )
            if hexadecimal is not None:
                code = int(hexadecimal[1] or hexadecimal[2], 16)
                if code <= _MAX_CODE:
                    self._at = hexadecimal.end()
                    return code
        elif char in _CONTROL:
            return _CONTROL[char]
        elif char.isascii() and not char.isalnum():
            return ord(char)
        raise RegexpSyntaxError(f"invalid escape sequence {self._text[start : self._at]}")

    def _class(self) -> str:
        start = self._at
        self._at += 1
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges: Ranges = []
        first = True
        while first or not self._text.startswith("]", self._at):
            if self._at >= len(self._text):
                raise RegexpSyntaxError(f"missing closing ]: {self._text[start:]}")
            first = False
            named = self._named_class()
            if named is not None:
                ranges.extend(named)
                continue
            begin = self._at
            low = high = self._class_char(start)
            if self._text.startswith("-", self._at) and self._text[
                self._at + 1 : self._at + 2
            ] not in ("", "]"):
                self._at += 1
                high = self._class_char(start)
                if high < low:
                    raise RegexpSyntaxError(
                        f"invalid character class range {self._text[begin : self._at]}"
                    )
            ranges.append((low, high))
        self._at += 1
        return _render(ranges, negated=negated)

    def _named_class(self) -> Ranges | None:
        if self._text.startswith("[:", self._at):
            end = self._text.find(":]", self._at + 2)
            if end >= 0:
                name = self._text[self._at + 2 : end]
                ranges = _POSIX_CLASSES.get(name.removeprefix("^"))
                if ranges is None:
                    raise RegexpSyntaxError(f"invalid character class range [:{name}:]")
                self._at = end + 2
                return _negate(ranges) if name.startswith("^") else ranges
            return None
        return self._class_escape() if self._text.startswith("\\", self._at) else None

    def _class_char(self, start: int) -> int:
        if self._at >= len(self._text):
            raise RegexpSyntaxError(f"missing closing ]: {self._text[start:]}")
        if self._text[self._at] == "\\":
            return self._char_escape()
        self._at += 1
        return ord(self._text[self._at - 1])


def _repeat(item: str, low: int, high: int | None) -> str:
    if item in (r"\A", r"\Z", *_ASSERTIONS.values()):  # Python refuses to repeat a position
        return item if low else ""
    if not item:
        return item
    bounds = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high))
    if bounds is None:
        bounds = f"{{{low}}}" if high == low else f"{{{low},{'' if high is None else high}}}"
    return f"(?:{item}){bounds}" if len(item) > 1 and item[0] not in "[(" else item + bounds


def _negate(ranges: Ranges) -> Ranges:
    result: Ranges = []
    at = 0
    for low, high in sorted(ranges):
        if low > at:
            result.append((at, low - 1))
        at = max(at, high + 1)
    if at <= _MAX_CODE:
        result.append((at, _MAX_CODE))
    return result


def _render(ranges: Ranges, *, negated: bool = False) -> str:
    # A complement written out would do, but Python's compiler takes long over wide ranges.
    if not negated and ranges and ranges[-1][1] == _MAX_CODE:
        ranges, negated = _negate(ranges), True
    parts = [_code(low) if low == high else f"{_code(low)}-{_code(high)}" for low, high in ranges]
    if not parts:
        return r"[\s\S]" if negated else r"(?!)"
    return f"[{'^' * negated}{''.join(parts)}]"


def _code(code: int) -> str:
    return f"\\U{code:08x}"


@lru_cache(maxsize=32)
def _category(name: str) -> Ranges:
    """Return the code points of a Unicode general category, such as `L` or `Lu`.

    Scripts (`Greek`) are not known to Python's Unicode tables; they count as unknown.
    """
    if not re.fullmatch("[A-Z][a-z]?", name):
        return []
    ranges: Ranges = []
    at = 0
    for category, run in groupby(map(unicodedata.category, map(chr, range(_MAX_CODE + 1)))):
        end = at + sum(1 for _ in run)
        if category.startswith(name) and category != "Cn":  # Go's classes hold no unassigned codes
            if ranges and ranges[-1][1] == at - 1:
                ranges[-1] = (ranges[-1][0], end - 1)
            else:
                ranges.append((at, end - 1))
        at = end
    return ranges
