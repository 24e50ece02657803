"""The formats of `printf`, `CONVFMT` and `OFMT`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from ..formatting import Formatter
from .values import NumericText, Scalar, integer, number

_DIRECTIVE = re.compile(r"%([-+ #0]*)(\*|\d+)?(\.(?:\*|\d+)?)?[hlL]*([a-zA-Z%])")


class MissingArgumentError(Exception):
    """A format names more values than there are."""


def format_values(
    pattern: str,
    values: Sequence[Scalar],
    text_of: Callable[[Scalar], str],
    *,
    fills: bool,
) -> str:
    """Return a text made of values.

    Args:
        pattern: the format.
        values: what it names, in their order.
        text_of: how a value is shown as text.
        fills: whether what is missing is empty.

    Raises:
        MissingArgumentError: there are too few values, and that is an error.
        BoundReachedError: a field is too wide.
    """
    rest = list(values)

    def shown(match: re.Match[str]) -> str:
        flags, width, precision, letter = match[1], match[2] or "", match[3] or "", match[4]
        if letter == "%":
            return "%"
        if width == "*":
            width = str(integer(rest.pop(0) if rest else None))
        if precision == ".*":
            precision = f".{integer(rest.pop(0) if rest else None)}"
        if not rest and not fills:
            raise MissingArgumentError
        value = rest.pop(0) if rest else ""
        text = _shown(flags, width, precision, letter, value, text_of)
        return match[0] if text is None else text

    return _DIRECTIVE.sub(shown, pattern)


def _shown(
    flags: str,
    width: str,
    precision: str,
    letter: str,
    value: Scalar,
    text_of: Callable[[Scalar], str],
) -> str | None:
    """Return one value in its field; `None` where the letter is unknown."""
    directive = f"%{flags}{width}{precision}"
    if letter in "di":
        finite = value if math.isfinite(number(value)) else 0.0
        return _one(directive + "d", str(integer(finite)))
    if letter in "ouxX":
        return _one(directive + letter, str(integer(value)))
    if letter in "eEfFgG":
        return _float(directive + letter, number(value))
    if letter == "c":
        is_code = isinstance(value, (float, NumericText))
        text = chr(integer(value) & 0xFF) if is_code else text_of(value)[:1]
        return _one(f"%{flags}{width}s", text)
    if letter == "s":
        return _one(directive + "s", text_of(value))
    return None


def _float(directive: str, value: float) -> str:
    if math.isfinite(value):
        return _one(directive, repr(value))
    return not_finite(value)


def not_finite(value: float) -> str:
    """Return the text of what is infinite, or no number."""
    return ("-" if value < 0 else "") + ("inf" if math.isinf(value) else "nan")


def _one(directive: str, text: str) -> str:
    return Formatter("gnu", lambda _message: None).format(directive, [text])
