"""Backslashes as `$'…'`, `echo`, `printf` and `%b` read them."""

from __future__ import annotations

import re

_LETTERS = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|(0?[0-7]{1,3})|(.))", re.S
)


class _Stop(BaseException):
    pass


def dollar_quoted(text: str, *, has_escape: bool = True) -> str:
    r"""Read the inside of `$'…'`.

    Args:
        text: with backslashes.
        has_escape: whether `\e` is known, which busybox's shell does not know.
    """
    known = "abeEfnrtv\\" if has_escape else "abfnrtv\\"

    def replace(match: re.Match[str]) -> str:
        if match[5] in ("'", '"', "?"):
            return match[5]
        if match[4]:
            return chr(int(match[4][:3], 8) & 0xFF) + match[4][3:]
        return _plain(match, known=known)

    return re.sub(_ESCAPE, replace, text)


def echo_text(text: str, *, has_hex: bool = True) -> tuple[str, bool]:
    r"""Read what `echo -e` prints; whether `\c` ended it.

    Args:
        text: with backslashes.
        has_hex: whether `\x41` and `\e` are known, which dash's are not.
    """
    return _with_stop(text, octal=r"\\0([0-7]{0,3})", has_hex=has_hex)


def format_text(text: str, *, has_hex: bool = True) -> tuple[str, bool]:
    """Read the format of `printf`, whose octal numbers need no zero."""
    return _with_stop(text, octal=r"\\([0-7]{1,3})", has_hex=has_hex)


def argument_text(text: str, *, has_hex: bool = True) -> tuple[str, bool]:
    """Read an argument of `%b`, whose octal numbers may have a zero before them."""
    return _with_stop(text, octal=r"\\(0[0-7]{0,3}|[1-7][0-7]{0,2})", has_hex=has_hex)


def _with_stop(text: str, *, octal: str, has_hex: bool) -> tuple[str, bool]:
    pieces: list[str] = []
    position = 0
    octal_pattern = re.compile(octal)
    while True:
        found = text.find("\\", position)
        if found < 0:
            pieces.append(text[position:])
            return "".join(pieces), False
        pieces.append(text[position:found])
        if text.startswith("\\c", found):
            return "".join(pieces), True
        number = octal_pattern.match(text, found)
        if number is not None:
            pieces.append(chr(int(number[1] or "0", 8) & 0xFF))
            position = number.end()
            continue
        match = _ESCAPE.match(text, found)
        if match is None:
            pieces.append("\\")
            position = found + 1
            continue
        if match[4] or (not has_hex and (match[1] or match[2] or match[3])):
            pieces.append("\\")
            position = found + 1
            continue
        pieces.append(_plain(match, known="abeEfnrtv\\"))
        position = match.end()


def _plain(match: re.Match[str], *, known: str) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2] or match[3]:
        return chr(int(match[2] or match[3], 16)).encode("utf-8", "replace").decode("latin-1")
    letter = match[5]
    return _LETTERS[letter] if letter in known else match[0]
