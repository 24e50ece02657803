"""The pieces of a pattern, and how Docker writes each in its regular expression."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from imagebuilders.context.go_regexp import RegexpSyntaxError, compile_go
from imagebuilders.context.linear_match import MANY, LinearMatcher

Test: TypeAlias = Callable[[str], object]
BYTE_ORDER_MARK = "\ufeff"
# What Docker escapes for the regular expression; its bitmap of characters to escape
# covers 64 codes, so that of ". + ( ) | { } $" the last but one to three are left alive.
_ESCAPED = ".+()$"


class TokenKind(enum.Enum):
    """What a piece of a pattern stands for."""

    LITERAL = "literal"
    ESCAPED = "escaped"
    ONE = "?"
    SOME = "*"
    DEEP = "**"
    BRACKET = "[]"


class Token(NamedTuple):
    """A piece of a pattern.

    Attributes:
        kind: what it stands for.
        text: the character itself, for `LITERAL`, `ESCAPED` and `BRACKET`.
        expression: what Docker makes of it in the regular expression.
    """

    kind: TokenKind
    text: str
    expression: str


def tokens_of(glob: str) -> list[Token]:
    """Split a pattern as Docker does when it makes a regular expression of it."""
    chars = replace_stray_bytes(glob).removeprefix(BYTE_ORDER_MARK)
    tokens = []
    at = 0
    while at < len(chars):
        char = chars[at]
        at += 1
        if char == "*" and chars.startswith("*", at):
            at += 1
            if chars.startswith("/", at):
                at += 1
            tokens.append(Token(TokenKind.DEEP, "", "(.*/)?" if at < len(chars) else ".*"))
        elif char == "*":
            tokens.append(Token(TokenKind.SOME, "", "[^/]*"))
        elif char == "?":
            tokens.append(Token(TokenKind.ONE, "", "[^/]"))
        elif char in _ESCAPED:
            tokens.append(Token(TokenKind.LITERAL, char, "\\" + char))
        elif char == "\\":
            text = chars[at : at + 1]
            at += 1
            tokens.append(Token(TokenKind.ESCAPED, text, "\\" + text))
        elif char in "[]":
            tokens.append(Token(TokenKind.BRACKET, char, char))
        else:
            tokens.append(Token(TokenKind.LITERAL, char, char))
    return tokens


def replace_stray_bytes(path: str) -> str:
    """Put U+FFFD for each byte that is no UTF-8: Go's regular expressions see that."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in path)


def is_plain_glob(tokens: Sequence[Token]) -> bool:
    """Say whether each token stands for itself, and none but `**` can match a slash."""
    inside: list[Token] | None = None
    for token in tokens:
        if inside is not None:
            if token.text == "]" and token.kind is TokenKind.BRACKET:
                if not _is_plain_class(inside):
                    return False
                inside = None
            else:
                inside.append(token)
        elif token.kind is TokenKind.BRACKET:
            if token.text == "]":
                return False
            inside = []
        elif token.kind is TokenKind.ESCAPED:
            if not token.text.isascii() or token.text.isalnum() or token.text == "/":
                return False
        elif token.kind is TokenKind.LITERAL and token.text in "^|{":
            return False
    return inside is None


def _is_plain_class(inside: list[Token]) -> bool:
    text = "".join(token.text for token in inside)
    if not all(
        token.kind is TokenKind.LITERAL and (token.text.isalnum() or token.text in "-_.")
        for token in inside
    ):
        return False
    try:
        return not compile_go(f"^[{text}]$")("/")
    except RegexpSyntaxError:
        return False


def expression_test(tokens: Sequence[Token]) -> Test:
    """Compile the expression of some tokens into a function that is true for what it matches.

    Raises:
        RegexpSyntaxError: Go refuses the expression.
    """
    wild = sum(token.kind in (TokenKind.SOME, TokenKind.DEEP) for token in tokens)
    if wild >= MANY and is_plain_glob(tokens):
        search: Test = LinearMatcher(_steps(tokens))
    else:
        search = compile_go("^" + "".join(token.expression for token in tokens) + "$")
    return lambda text: search(text if text.isascii() else replace_stray_bytes(text))


def _steps(tokens: Sequence[Token]) -> list[str]:
    """Return the expressions of plain tokens, those of a class in one."""
    steps: list[str] = []
    inside = False
    for token in tokens:
        if inside:
            steps[-1] += token.expression
        else:
            steps.append(token.expression)
        if token.kind is TokenKind.BRACKET:
            inside = token.text == "["
    return steps
