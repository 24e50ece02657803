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

from imagebuilders.context.entries import show_path
from imagebuilders.context.go_regexp import RegexpSyntaxError
from imagebuilders.context.tokens import (
    BYTE_ORDER_MARK,
    Token,
    TokenKind,
    expression_test,
    tokens_of,
)
from imagebuilders.go_text import (
    WHITE_SPACE,
    GlobSyntaxError,
    check_glob,
    clean_path,
    trim_space,
)


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

    __slots__ = ("__dict__", "_tokens", "glob", "kind", "line", "negated", "text")

    def __init__(self, text: str, glob: str, *, negated: bool, line: int = 0) -> None:
        self.text = text
        self.glob = glob
        self.negated = negated
        self.line = line
        self._tokens = tokens_of(glob)
        self.kind = _kind(self._tokens)
        self.expression = "^" + "".join(token.expression for token in self._tokens) + "$"

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
            return expression_test(self._tokens)
        except RegexpSyntaxError as error:
            raise PatternSyntaxError(str(error)) from error

    def _suffix(self) -> Callable[[str], object]:
        if self.glob.startswith(
            BYTE_ORDER_MARK
        ):  # Docker then cuts the BOM in two; nothing ends like that
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
    """Return the text of a pattern that hits one path (and, as any pattern, all below it).

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


def excluding_line(path: str) -> str:
    """Return the line that excludes a path, in quotes, for an error."""
    return f"'{show_path(literal_pattern(path))}'"


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
