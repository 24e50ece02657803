"""The values that `--chmod` takes."""

from __future__ import annotations

import re

from imagebuilders.evaluation.symbolic_mode import SymbolicMode
from imagebuilders.exceptions import EvaluationError

_OCTAL = re.compile(r"[0-7]+")
_LARGEST_UNSIGNED = 2**32
_ALL_BITS = 0o7777


def check_mode(text: str) -> None:
    """Refuse a value that is neither octal digits nor a symbolic mode.

    Raises:
        EvaluationError: it is neither; in BuildKit's words.
    """
    if is_octal_mode(text):
        if int(text, 8) > _ALL_BITS:
            raise _not_octal(text)
        return
    if text[:1].isascii() and text[:1].isdigit():
        raise _not_octal(text)
    try:
        SymbolicMode.parse(text)
    except ValueError as error:
        raise EvaluationError(str(error)) from error


def is_octal_mode(text: str) -> bool:
    """Whether a value is an octal number of 32 bits."""
    return bool(_OCTAL.fullmatch(text)) and int(text, 8) < _LARGEST_UNSIGNED


def _not_octal(text: str) -> EvaluationError:
    return EvaluationError(
        f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
    )
