"""What is given to the double, looked at before it is used.

A wrong value is an error of the test that gave it. Found only while a request is answered,
it would look like a defect of the double.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def flag(name: str, value: object) -> None:
    """Expect True or False.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, bool):
        raise _wrong_type(name, "True or False", value)


def text(name: str, value: object) -> None:
    """Expect a string.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value)


def whole(
    name: str, value: object, *, least: int, most: int | None = None, optional: bool = False
) -> None:
    """Expect a whole number.

    Args:
        name: what it is called where it is given.
        value: what was given.
        least: the least it may be.
        most: the most it may be.
        optional: whether it may be None.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is out of range.
    """
    if optional and value is None:
        return
    span = f"{least} or more" if most is None else f"{least} to {most}"
    expected = f"a whole number, {span}" + (", or None" if optional else "")
    # A bool is an int for Python, and a slip of the pen for whoever gives it.
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, expected, value)
    if value < least or (most is not None and value > most):
        raise ValueError(_words(name, expected, value))


def number(name: str, value: object, *, optional: bool = False) -> None:
    """Expect a number of zero or more.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, infinite or not a number.
    """
    if optional and value is None:
        return
    expected = "a number, 0 or more" + (", or None" if optional else "")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(name, expected, value)
    if not math.isfinite(value) or value < 0:
        raise ValueError(_words(name, expected, value))


def function(name: str, value: object) -> None:
    """Expect something to call.

    Raises:
        TypeError: it is something else.
    """
    if not callable(value):
        raise _wrong_type(name, "a function", value)


def passwords(name: str, value: object) -> None:
    """Expect a mapping of strings to strings; the error does not show them.

    Raises:
        TypeError: it is something else.
    """
    expected = "a mapping of names to passwords, as in {'name': 'password'}"
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {expected}, not of type {type(value).__name__}")
    for key, password in value.items():
        if not isinstance(key, str) or not isinstance(password, str):
            found = f"{type(key).__name__} to {type(password).__name__}"
            raise TypeError(f"{name} is {expected}, not of {found}")


def items(name: str, value: object, kind: type) -> None:
    """Expect several objects of a class.

    Raises:
        TypeError: it is something else.
    """
    expected = f"a sequence of {kind.__name__}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong_type(name, expected, value)
    for item in value:
        if not isinstance(item, kind):
            raise TypeError(f"{name} is {expected}, and {item!r} is none")


def _wrong_type(name: str, expected: str, value: object) -> TypeError:
    return TypeError(_words(name, expected, value))


def _words(name: str, expected: str, value: object) -> str:
    return f"{name} is {expected}, not {value!r}"
