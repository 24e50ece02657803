"""Tilde expansion (POSIX.1-2017, 2.6.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fragments import LITERAL, QUOTED, Fragment

if TYPE_CHECKING:
    from ..state import Shell


def expand_literal(
    shell: Shell, text: str, *, is_first: bool, is_value: bool, is_last: bool
) -> list[Fragment]:
    """Expand plain letters of a word.

    Args:
        shell: the shell.
        text: the letters.
        is_first: whether the word begins with them.
        is_value: whether they are an assignment's, where a tilde may follow a colon.
        is_last: whether the word ends with them.
    """
    if "~" not in text:
        return [(LITERAL, text)]
    if is_value:
        pieces = text.split(":")
        expanded = [
            _home(shell, piece, may_end=is_last or number < len(pieces) - 1)
            if number or is_first
            else piece
            for number, piece in enumerate(pieces)
        ]
        return [(LITERAL, ":".join(expanded))]
    if is_first and text.startswith("~"):
        home = _home(shell, text, may_end=is_last)
        return [(QUOTED, home)] if home != text else [(LITERAL, text)]
    return [(LITERAL, text)]


def _home(shell: Shell, text: str, *, may_end: bool) -> str:
    if not text.startswith("~"):
        return text
    name, slash, rest = text[1:].partition("/")
    if not slash and not may_end:
        return text
    if name == "":
        home = shell.variables.get("HOME")
        if home is None:
            home = shell.home_of(shell.process.credentials.uid)
    elif name == "+" and shell.dialect.is_bash:
        home = shell.variables.get("PWD")
    elif name == "-" and shell.dialect.is_bash:
        home = shell.variables.get("OLDPWD")
    else:
        home = shell.home_of(name)
    return text if home is None else home + slash + rest
