"""The exec form: arguments as a JSON list of strings."""

from __future__ import annotations

import json
import math

from imagebuilders.go_text import WHITE_SPACE, replace_undecodable

NOT_ONLY_STRINGS = "when using JSON array syntax, arrays must be comprised of strings only"


class NotOnlyStringsError(ValueError):
    """A JSON list holds something other than strings."""


def read_exec_form(text: str, *, whole: bool = True) -> tuple[str, ...] | None:
    """Return the strings of a JSON list; `None` when the text is not one.

    Args:
        text: what stands behind the keyword and its flags.
        whole: nothing may stand behind the list.

    Raises:
        NotOnlyStringsError: it is a list, but not of strings.
    """
    source = text.lstrip(WHITE_SPACE)
    if not source.startswith("["):
        return None
    try:
        value, end = _DECODER.raw_decode(replace_undecodable(source))
    except RecursionError:  # such depth is there only in lists of lists
        raise NotOnlyStringsError(NOT_ONLY_STRINGS) from None
    except ValueError:
        return None
    if whole and source[end:].strip(" \t\r\n"):
        return None
    if not all(isinstance(item, str) for item in value):
        raise NotOnlyStringsError(NOT_ONLY_STRINGS)
    # An escape such as \ud800 may stand for half a character.
    return tuple(replace_undecodable(item) for item in value)


def _number(digits: str) -> float:
    """Read a number, which for Go has to be a finite one."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError
    return number


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)
