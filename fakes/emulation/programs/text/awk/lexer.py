"""Reads the tokens of a program."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from .syntax import AwkSyntaxError

_KEYWORDS = frozenset(
    ["BEGIN", "END", "function", "func", "if", "else", "while", "for", "do", "break", "continue",
     "next", "nextfile", "exit", "return", "delete", "in", "getline", "print", "printf"]
)  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r]|\\\n|\#[^\n]*)+)|(?P<newline>\n)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<string>"(?:[^"\\\n]|\\.|\\\n)*")|(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\*\*=|\+=|-=|\*=|/=|%=|\^=|==|<=|>=|!=|!~|\+\+|--|&&|\|\||>>|\*\*|[{}()\[\];,+\-*/%^!><|?:~$=&])""",
    re.X | re.S,
)


class Token(NamedTuple):
    """A token: its kind, and its text.

    Kinds are those of the pattern's groups, `keyword`, `builtin` (the name of a function that the
    language has), `call` (any other name before a parenthesis), `regex` (its text is what stands
    between the slashes) and `end`.
    """

    kind: str
    text: str


_Place = tuple[int, Token, Token]


class Lexer:
    """Reads a program token by token.

    Args:
        source: the program.
        builtins: the names of the functions that the language has.

    Raises:
        AwkSyntaxError: the next token cannot be read.
    """

    def __init__(self, source: str, builtins: Collection[str]) -> None:
        self._source = source
        self._builtins = builtins
        self._position = 0
        self._last = Token("newline", "\n")
        self._token = self._scan()

    def _scan(self) -> Token:
        while self._position < len(self._source):
            if self._source[self._position] == "/" and self._wants_operand():
                return self._regex()
            match = _TOKEN.match(self._source, self._position)
            if match is None:
                raise AwkSyntaxError(f"syntax error at or near {self._source[self._position]}")
            self._position = match.end()
            if match.lastgroup != "space":
                return Token(self._kind(match), match[0])
        return Token("end", "")

    def _kind(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        if kind != "name":
            return kind
        if match[0] in _KEYWORDS:
            return "keyword"
        if match[0] in self._builtins:
            return "builtin"
        return "call" if self._source.startswith("(", self._position) else "name"

    def _wants_operand(self) -> bool:
        """Tell whether a slash begins an expression, and is no division."""
        kind, text = self._last
        return not (
            kind in ("number", "string", "name", "builtin") or text in (")", "]", "$", "++", "--")
        )

    def _regex(self) -> Token:
        position = self._position + 1
        in_bracket = False
        out: list[str] = []
        while True:
            if position >= len(self._source) or self._source[position] == "\n":
                raise AwkSyntaxError("unterminated regexp")
            letter = self._source[position]
            if letter == "\\" and position + 1 < len(self._source):
                following = self._source[position + 1]
                out.append("/" if following == "/" else letter + following)
                position += 2
                continue
            if letter == "[" and not in_bracket:
                in_bracket = True
                out.append(letter)
                position += 1
                for first in "^]":  # a bracket that comes first is one of the letters
                    if self._source.startswith(first, position):
                        out.append(first)
                        position += 1
                continue
            if letter == "]":
                in_bracket = False
            if letter == "/" and not in_bracket:
                self._position = position + 1
                return Token("regex", "".join(out))
            out.append(letter)
            position += 1

    # --- what a parser asks -------------------------------------------------------------------

    def _take(self) -> Token:
        """Pass over the token, and return it."""
        token = self._token
        self._last = token
        self._token = self._scan()
        return token

    def _place(self) -> _Place:
        """Return where it stands, to come back to it."""
        return self._position, self._token, self._last

    def _return_to(self, place: _Place) -> None:
        self._position, self._token, self._last = place

    def _is(self, *texts: str) -> bool:
        """Tell whether the token is one of these operators or keywords."""
        return self._token.text in texts and self._token.kind in ("operator", "keyword")

    def _takes(self, *texts: str) -> bool:
        """Pass over the token if it is one of these operators or keywords."""
        found = self._is(*texts)
        if found:
            self._take()
        return found

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise self._unexpected()

    def _unexpected(self) -> AwkSyntaxError:
        """Return the error that the token has no place here."""
        shown = self._token.text.strip() or "end of file"
        return AwkSyntaxError(f"syntax error at or near {shown}")

    def _skip_newlines(self) -> None:
        while self._token.kind == "newline":
            self._take()

    def _skip_ends(self) -> None:
        """Pass over what ends statements."""
        while self._token.kind == "newline" or self._is(";"):
            self._take()

    def _is_end_of_statement(self) -> bool:
        return self._is(";", "}") or self._token.kind in ("newline", "end")
