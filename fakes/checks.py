"""Values a test gives, refused where they are given.

A wrong value that is found only while a request is answered breaks that answer, far
from the line that gave it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

_EXIT_CODES = 255


def check_text(name: str, value: object, what: str = "a str") -> None:
    """Refuse what is no text.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is {what}, not {_shown(value)}")


def check_pattern(name: str, value: object) -> None:
    """Refuse what is no pattern.

    Raises:
        TypeError: it is neither a text nor a compiled regular expression.
    """
    if not isinstance(value, re.Pattern) or not isinstance(value.pattern, str):
        known = "a shell pattern (a str as in 'ls *') or a compiled regular expression for a str"
        check_text(name, value, known)


def check_output(name: str, value: object) -> None:
    """Refuse what a command cannot print.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    if not isinstance(value, str | bytes):
        raise TypeError(f"{name} is a str or bytes, not {_shown(value)}")


def check_files(value: object, *, removes: bool = True) -> None:
    """Refuse what are no paths with their content.

    Args:
        value: what was given, `None` for no files.
        removes: whether a content can be `None`.

    Raises:
        TypeError: it is no mapping, or a path or content in it is of a wrong type.
    """
    known = "a str, bytes or None" if removes else "a str or bytes"
    for path, content in _items("files", value, f"path to content ({known})"):
        check_text("a path in files", path)
        if not isinstance(content, str | bytes) and not (removes and content is None):
            raise TypeError(f"files[{path!r}] is {known}, not {_shown(content)}")


def check_words(name: str, value: object) -> None:
    """Refuse what are no names with values, as variables and labels are.

    Raises:
        TypeError: it is no mapping, or something in it is no text.
    """
    for key, word in _items(name, value, "name to value, both of them str"):
        check_text(f"a name in {name}", key)
        check_text(f"{name}[{key!r}]", word)


def checked_list(name: str, value: Iterable[str], what: str = "words") -> list[str]:
    """The words of a list.

    Raises:
        TypeError: it is one word, or something else that is no list of them.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is a list of {what}, not {_shown(value)}")
    words = list(value)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{name} is a list of {what}, each a str, not {_shown(word)}")
    return words


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False, not {_shown(value)}")


def check_choice(name: str, value: str, known: Iterable[str]) -> None:
    """Refuse a word that is none of those that are known.

    Raises:
        TypeError: it is no text.
        ValueError: it is none of them.
    """
    check_text(name, value)
    choices = list(known)
    if value not in choices:
        raise ValueError(f"no {name} {value!r}; known: {', '.join(choices)}")


def check_count(
    name: str, value: object, *, least: int = 0, most: int | None = None, optional: bool = False
) -> None:
    """Refuse what is no whole number, or none in its range.

    Args:
        name: what it is called where it is given.
        value: what was given.
        least: the least it may be.
        most: the most it may be.
        optional: whether it may be `None`.

    Raises:
        TypeError: it is no int.
        ValueError: it is too small or too large.
    """
    if optional and value is None:
        return
    other = " or None" if optional else ""
    # A bool is an int for Python, and a slip of the pen for whoever gives it.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is an int{other}, not {_shown(value)}")
    if value < least or (most is not None and value > most):
        known = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name} is {known}{other}, not {value}")


def check_exit_code(value: object) -> None:
    """Refuse what no process ends with.

    Raises:
        TypeError: it is no int.
        ValueError: it is not from 0 to 255.
    """
    check_count("exit_code", value, most=_EXIT_CODES)


def check_seconds(name: str, value: object) -> None:
    """Refuse what nobody can wait for.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative or has no end.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is a number of seconds, not {_shown(value)}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} is 0 seconds or more, not {value}")


def check_function(name: str, value: object) -> None:
    """Refuse what cannot be called.

    Raises:
        TypeError: it cannot.
    """
    if not callable(value):
        raise TypeError(f"{name} is a function, not {_shown(value)}")


def check_passwords(name: str, value: object) -> None:
    """Refuse what are no names with passwords; the error does not show them.

    Raises:
        TypeError: it is no mapping, or something in it is no text.
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


def check_items(name: str, value: object, kind: type) -> None:
    """Refuse what are not several objects of a class.

    Raises:
        TypeError: it is not.
    """
    expected = f"a sequence of {kind.__name__}"
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} is {expected}, not {_shown(value)}")
    for item in value:
        if not isinstance(item, kind):
            raise TypeError(f"{name} is {expected}, and {item!r} is none")


def _items(name: str, value: object, what: str) -> Iterable[tuple[object, object]]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a mapping of {what}, not {_shown(value)}")
    return value.items()


def _shown(value: object) -> str:
    return f"{value!r} ({type(value).__name__})"
