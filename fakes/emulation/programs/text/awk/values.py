"""Values: numbers, texts, and texts that are both."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
_LEADING = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LARGEST = (1 << 63) - 1


class NumericText(str):
    """A text from outside that looks like a number, and compares as one."""

    __slots__ = ()


Scalar = str | float | None
"""What a variable holds; `None` where nothing was assigned to it."""
Array = dict[str, Scalar]


def from_outside(text: str) -> str:
    """Return a text of the input, a field or an operand, which may be a number as well."""
    return NumericText(text) if _NUMBER.fullmatch(text) else text


def is_numeric(value: Scalar) -> bool:
    """Tell whether a value compares as a number."""
    return value is None or isinstance(value, (float, NumericText))


def number(value: Scalar) -> float:
    """Return a value as a number: what a text begins with."""
    if isinstance(value, float):
        return value
    match = _LEADING.match(value) if isinstance(value, str) else None
    return float(match[0]) if match else 0.0


def integer(value: Scalar) -> int:
    """Return a value as C's casts do where they are defined, and at the bounds beyond."""
    found = number(value)
    if math.isnan(found):
        return -_LARGEST
    return int(max(-_LARGEST, min(found, _LARGEST)))


def is_true(value: Scalar) -> bool:
    """Tell whether a condition holds."""
    if isinstance(value, NumericText):
        return float(value) != 0
    return bool(value)
