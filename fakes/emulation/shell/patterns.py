"""Shell patterns (POSIX.1-2017, 2.13), as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ..bounded_expressions import compile_bounded

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": " \\t\\n\\r\\f\\v",
    "blank": " \\t",
    "punct": "!-/:-@\\[-`{-~",
    "print": " -~",
    "graph": "!-~",
    "cntrl": "\\x00-\\x1f\\x7f",
    "xdigit": "0-9a-fA-F",
}

Piece = tuple[str, bool]
"""Letters, and whether they are quoted."""


def has_magic(pieces: Sequence[Piece]) -> bool:
    """Tell whether unquoted letters may make it a pattern."""
    return any(not quoted and re.search(r"[*?\[]", text) for text, quoted in pieces)


def plain(pieces: Sequence[Piece]) -> str:
    """Return the letters alone."""
    return "".join(text for text, _ in pieces)


def compile_pattern(
    pieces: Sequence[Piece], *, ignore_case: bool = False, extended: bool = False
) -> re.Pattern[str]:
    """Return what matches a whole text as the pattern does."""
    return _compiled(tuple(pieces), ignore_case, extended)


def regular_source(pieces: Sequence[Piece], *, extended: bool = False, path: bool = False) -> str:
    """Return a pattern as the source of a regular expression, without anchors.

    Args:
        pieces: the pattern.
        extended: whether `@(a|b)` and its kind are known.
        path: whether a star stops at slashes.
    """
    letters: list[tuple[str, bool]] = [
        (letter, quoted) for text, quoted in pieces for letter in text
    ]
    source, _ = _translate(letters, 0, extended=extended, path=path, stops="")
    return source


@lru_cache(maxsize=1024)
def _compiled(pieces: tuple[Piece, ...], ignore_case: bool, extended: bool) -> re.Pattern[str]:
    flags = re.S | (re.I if ignore_case else 0)
    return compile_bounded(regular_source(pieces, extended=extended) + r"\Z", flags)


def _translate(
    letters: list[tuple[str, bool]], position: int, *, extended: bool, path: bool, stops: str
) -> tuple[str, int]:
    out: list[str] = []
    while position < len(letters):
        letter, quoted = letters[position]
        if quoted:
            out.append(re.escape(letter))
            position += 1
            continue
        if letter in stops:
            break
        following = letters[position + 1] if position + 1 < len(letters) else ("", True)
        if extended and letter in "?*+@!" and following == ("(", False):
            choices = []
            inner = position + 2
            while True:
                source, inner = _translate(letters, inner, extended=True, path=path, stops="|)")
                choices.append(source)
                if inner >= len(letters) or letters[inner][0] == ")":
                    break
                inner += 1
            group = "|".join(choices)
            position = inner + 1
            out.append(
                f"(?:(?!(?:{group})\\Z).*)"
                if letter == "!"
                else f"(?:{group})" + {"@": "", "?": "?", "*": "*", "+": "+"}[letter]
            )
            continue
        if letter == "*":
            out.append("[^/]*" if path else ".*")
            position += 1
        elif letter == "?":
            out.append("[^/]" if path else ".")
            position += 1
        elif letter == "[":
            source, stop = _bracket(letters, position)
            out.append(source)
            position = stop
        elif letter == "\\":
            if following[0]:
                out.append(re.escape(following[0]))
                position += 2
            else:
                out.append(r"\\")
                position += 1
        else:
            out.append(re.escape(letter))
            position += 1
    return "".join(out), position


def _bracket(letters: list[tuple[str, bool]], start: int) -> tuple[str, int]:
    position = start + 1
    negated = False
    if position < len(letters) and letters[position] in (("!", False), ("^", False)):
        negated = True
        position += 1
    out: list[str] = []
    is_first = True
    while position < len(letters):
        letter, quoted = letters[position]
        if letter == "]" and not quoted and not is_first:
            body = "".join(out)
            return f"[{'^' if negated else ''}{body}]" if body else "(?!)", position + 1
        is_first = False
        if letter == "[" and not quoted and position + 1 < len(letters):
            kind = letters[position + 1][0]
            if kind in ":.=":
                text = "".join(one for one, _ in letters[position + 2 :])
                stop = text.find(kind + "]")
                if stop >= 0:
                    name = text[:stop]
                    out.append(_CLASSES.get(name, "") if kind == ":" else re.escape(name))
                    position += stop + 4
                    continue
        if letter == "\\" and not quoted and position + 1 < len(letters):
            position += 1
            letter, quoted = letters[position][0], True
        following = [one for one, _ in letters[position + 1 : position + 3]]
        if len(following) == 2 and following[0] == "-" and following[1] != "]":
            last = following[1]
            if ord(letter) <= ord(last):
                out.append(f"{_in_class(letter)}-{_in_class(last)}")
            position += 3
            continue
        out.append(_in_class(letter))
        position += 1
    return r"\[", start + 1


def _in_class(letter: str) -> str:
    return "\\" + letter if letter in "\\]^-[&~|" else letter
