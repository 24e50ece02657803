"""The values that `--chmod` takes."""

from __future__ import annotations

import re

from imagebuilders.exceptions import EvaluationError

_OCTAL = re.compile(r"[0-7]+")
_LARGEST_UNSIGNED = 2**32
_ALL_BITS = 0o7777
_WHO = "augo"
_PERMISSIONS = "rstwXxugo"


def check_mode(text: str) -> None:
    """Refuse a value that is neither octal digits nor a symbolic mode.

    Raises:
        EvaluationError: it is neither; in BuildKit's words.
    """
    if _OCTAL.fullmatch(text) and int(text, 8) < _LARGEST_UNSIGNED:
        if int(text, 8) > _ALL_BITS:
            raise _not_octal(text)
        return
    if text[:1].isascii() and text[:1].isdigit():
        raise _not_octal(text)
    if not is_symbolic(text):
        raise EvaluationError("invalid syntax")


def is_symbolic(text: str) -> bool:
    """Return whether a text is a symbolic mode such as `u=rwX,go-w`."""
    rest = text
    while True:
        rest = rest.lstrip(_WHO)
        while True:
            if not rest or rest[0] not in "+-=":
                return False
            rest = rest[1:].lstrip(_PERMISSIONS)
            if not rest:
                return True
            if rest[0] == ",":
                rest = rest[1:]
                break


def _not_octal(text: str) -> EvaluationError:
    return EvaluationError(
        f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
    )
