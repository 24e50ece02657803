"""One line of an ignore file, compiled: which paths does it hit?

This is Docker's reading (https://github.com/moby/patternmatcher), with no I/O, and
usable alone:

>>> pattern = compile_pattern("!**/*.py")
>>> pattern.negated, pattern.matches("src/app.py"), pattern.matches("src/app.txt")
(True, True, False)

Paths are relative, `/`-separated `str`; bytes of a name that are no UTF-8 stand in it as
lone surrogates, as in Python's file names.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

from imagebuilders.context.go_regexp import RegexpSyntaxError, compile_go
from imagebuilders.context.go_text import (
    WHITE_SPACE,
    GlobSyntaxError,
    check_glob,
    clean_path,
    trim_space,
)

_BOM = "\ufeff"
# What Docker escapes for the regular expression; its bitmap of characters to escape
# covers 64 codes, so that of ". + ( ) | { } $" the last but one to three are left alive.
_ESCAPED = ".+()$"


class PatternSyntaxError(ValueError):
    """A line that is no pattern. The text says what is wrong with it, without the line."""


class PatternKind(enum.Enum):
    """How a pattern is compared with a path."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    REGEXP = "regexp"


class Pattern:
    """A compiled pattern.

    Attributes:
        text: the pattern as it was given, `!` and all.
        glob: the cleaned pattern, without `!` and without a leading slash.
        negated: whether it keeps what it hits (`!`) instead of dropping it.
        line: the number of its line in the ignore file, from 1; 0 when it comes from no file.
        kind: how it is compared.
        expression: the Go regular expression that Docker makes of it, should it need one.
    """

    __slots__ = ("__dict__", "glob", "kind", "line", "negated", "text")

    def __init__(self, text: str, glob: str, *, negated: bool, line: int = 0) -> None:
        self.text = text
        self.glob = glob
        self.negated = negated
        self.line = line
        tokens = tokens_of(glob)
        self.kind = _kind(tokens)
        self.expression = "^" + "".join(token.expression for token in tokens) + "$"

    def __repr__(self) -> str:
        return f"<Pattern {self.text!r}>"

    @cached_property
    def matches(self) -> Callable[[str], object]:
        """A function that is true for the paths the pattern hits by itself.

        Raises:
            PatternSyntaxError: the regular expression made of the pattern is malformed.
                Docker finds this out when it first tries the pattern, not before.
        """
        if self.kind is PatternKind.REGEXP:
            return self._regexp()
        if self.kind is PatternKind.SUFFIX:
            return self._suffix()
        glob = self.glob
        if self.kind is PatternKind.PREFIX:
            start = glob[:-2]
            return lambda path: path.startswith(start)
        return lambda path: path == glob

    def _regexp(self) -> Callable[[str], object]:
        try:
            search = compile_go(self.expression)
        except RegexpSyntaxError as error:
            raise PatternSyntaxError(str(error)) from error

        def matches(path: str) -> object:
            return search(path if path.isascii() else replace_stray_bytes(path))

        return matches

    def _suffix(self) -> Callable[[str], object]:
        if self.glob.startswith(_BOM):  # Docker then cuts the BOM in two; nothing ends like that
            return lambda _path: False
        end = self.glob[2:]
        if end.startswith("/"):
            whole = end[1:]
            return lambda path: path.endswith(end) or path == whole
        return lambda path: path.endswith(end)


def compile_pattern(text: str, *, line: int = 0) -> Pattern:
    """Compile one line of an ignore file that is neither blank nor a comment.

    Raises:
        PatternSyntaxError: the line is no pattern.
    """
    glob = trim_space(text)
    negated = glob.startswith("!")
    if negated:
        glob = trim_space(glob[1:])
    if glob:
        glob = clean_path(glob)
        if len(glob) > 1 and glob[0] == "/":
            glob = glob[1:]
    # Docker reads the line twice. The second time, the white space and the '!' that stood
    # behind the slash are at the front, and count.
    glob = clean_path(trim_space("!" * negated + glob))
    negated = glob.startswith("!")
    glob = glob[negated:]
    if not glob:
        raise PatternSyntaxError("nothing follows the '!'")
    try:
        check_glob(glob)
    except GlobSyntaxError as error:
        raise PatternSyntaxError(str(error)) from error
    return Pattern(text, glob, negated=negated, line=line)


def literal_pattern(path: str) -> str:
    """Give the text of a pattern that hits one path (and, as any pattern, all below it).

    A line feed cannot stand in a line; a `?`, which hits any one character, stands for it.
    """
    plain = path[0] not in "!#" and path == trim_space(path)
    if plain and set(path).isdisjoint("*?[]\\\n"):
        return path
    text = "".join(f"\\{char}" if char in "!#*?[]\\^|{}" else char for char in path)
    text = text.replace("\n", "?")
    # A backslash does not keep white space from being trimmed at the end; a class does.
    if text[-1] in WHITE_SPACE:
        text = f"{text[:-1]}[{text[-1]}]"
    if text[0] in WHITE_SPACE:
        text = f"[{text[0]}]{text[1:]}"
    return text


def replace_stray_bytes(path: str) -> str:
    """Put U+FFFD for each byte that is no UTF-8: Go's regular expressions see that."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in path)


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
    chars = replace_stray_bytes(glob).removeprefix(_BOM)
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


def _kind(tokens: list[Token]) -> PatternKind:
    """Say how Docker compares a pattern of these tokens."""
    kind = PatternKind.EXACT
    for index, token in enumerate(tokens):
        if token.kind is TokenKind.LITERAL:
            continue
        if token.kind is TokenKind.DEEP and index == 0:
            kind = PatternKind.SUFFIX
        elif token.expression == ".*" and kind is PatternKind.EXACT:
            kind = PatternKind.PREFIX
        else:
            kind = PatternKind.REGEXP
    return kind
