"""Reading option values in the spellings of `docker build` and of the Docker SDK.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence

MAX_NUMBER = (1 << 63) - 1
"""Daemons keep sizes and counts in 64 bits."""

_SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,20})?) ?([kmgtp]?)(?:i?b)?\Z", re.IGNORECASE | re.ASCII)
_SIZE_UNITS = "bkmgtp"
_COUNT = re.compile(r"\d{1,19}\Z", re.ASCII)


def parse_size(value: object, *, unlimited: bool = False) -> int:
    """Read a size in bytes, or with a unit as in `512m` and `1.5GiB`; units are powers of 1024.

    Args:
        value: a number, or a text.
        unlimited: whether `-1` is a value.

    Raises:
        ValueError: it is not a size, or one that no daemon can keep.
    """
    if unlimited and value in (-1, "-1"):
        return -1
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return _bounded(value)
    found = _SIZE.match(str(value)) if isinstance(value, str | float) else None
    if found is None:
        raise ValueError("write a size as a number of bytes, or with a unit as in 512m")
    factor = 1024 ** _SIZE_UNITS.index(found[2].lower() or "b")
    whole, _, part = found[1].partition(".")
    return _bounded(int(whole) * factor + int(part or 0) * factor // 10 ** len(part))


def parse_count(value: object, what: str) -> int:
    """Read a whole number, 0 or more.

    Args:
        value: a number, or a text.
        what: the number's name, for the error.

    Raises:
        ValueError: it is not such a number, or one that no daemon can keep.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return _bounded(value)
    if not isinstance(value, str) or not _COUNT.match(value):
        raise ValueError(f"{what} is a whole number")
    return _bounded(int(value))


def _bounded(number: int) -> int:
    if number > MAX_NUMBER:
        raise ValueError(f"the number is too large; {MAX_NUMBER} is the largest")
    return number


def parse_text(value: object, what: str) -> str:
    """Read a text, or a number as one.

    Args:
        value: the value.
        what: an example for errors, as in `K=V`.

    Raises:
        ValueError: it is neither, or cannot be encoded.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"keys and values are texts, as in {what}")
    if isinstance(value, int):
        # `str` of a very long one is an error of Python's.
        _bounded(abs(value))
    return encodable(str(value))


def encodable(text: str) -> str:
    """Return the text.

    Raises:
        ValueError: it has a zero byte, or what no UTF-8 can carry.
    """
    if "\0" in text:
        raise ValueError("a text cannot have a zero byte")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Not chained: the error quotes the text, which may be a secret.
        raise ValueError("a text has characters that cannot be encoded as UTF-8") from None
    return text


def parse_pairs(
    value: object, *, what: str, separators: str = "=", bare: bool = False
) -> list[tuple[str, str]]:
    """Read a mapping, or a list of texts such as `K=V`; a key may come more than once.

    Args:
        value: the mapping or list.
        what: an example for errors, as in `K=V`.
        separators: the characters that may stand between the two; the first one found counts.
        bare: whether a text without a separator is a key with an empty value.

    Raises:
        ValueError: an entry is not of this form; the text quotes no value.
    """
    if isinstance(value, Mapping):
        return [(parse_text(key, what), parse_text(item, what)) for key, item in value.items()]
    pairs = []
    for item in as_sequence(value):
        if not isinstance(item, str):
            raise ValueError(f"write each as {what}")
        found = re.search(f"[{re.escape(separators)}]", encodable(item))
        if found is None and bare and item:
            pairs.append((item, ""))
        elif found is None or found.start() == 0:
            raise ValueError(f"write each as {what}")
        else:
            pairs.append((item[: found.start()], item[found.end() :]))
    return pairs


def parse_build_arguments(value: object) -> dict[str, str | None]:
    """Read a mapping, or a list of `K=V` and `K`.

    As with `docker build`, a bare `K` takes its value from the environment, if
    it is there; a value of `None` leaves the Dockerfile's default.

    Raises:
        ValueError: an entry is not of this form; the text quotes no value.
    """
    if isinstance(value, Mapping):
        return {
            parse_text(key, "K=V"): None if item is None else parse_text(item, "K=V")
            for key, item in value.items()
        }
    arguments: dict[str, str | None] = {}
    for item in as_sequence(value):
        name, equals, given = item.partition("=") if isinstance(item, str) else ("", "", "")
        if not name:
            raise ValueError("write each as K=V, or as K to take the environment's value")
        found = given if equals else os.environ.get(name)
        arguments[encodable(name)] = None if found is None else encodable(found)
    return arguments


def parse_switch(text: str) -> bool | None:
    """Read a truth value as Go does; `None` if the text is none."""
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    return False if text in ("0", "f", "F", "false", "FALSE", "False") else None


def as_sequence(value: object) -> Sequence[object]:
    """Return a list or tuple as it is, anything else as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def parse_fields(text: str, *, allowed: Sequence[str] = ()) -> dict[str, str]:
    """Read `key=value,key=value` in the CLI's form: one line of CSV.

    Args:
        text: the line.
        allowed: the keys that may appear; any when empty.

    Raises:
        ValueError: it has another form or another key; the text quotes no value.
    """
    try:
        rows = list(csv.reader([encodable(text)], strict=True))
    except csv.Error:
        raise ValueError("the quotes are not balanced") from None
    fields: dict[str, str] = {}
    for item in rows[0] if rows else []:
        key, equals, value = item.partition("=")
        key = key.strip().lower()
        if not equals or not key:
            raise ValueError("write it as key=value,key=value")
        if allowed and key not in allowed:
            raise ValueError(f"there is no key {key!r}; there are {', '.join(allowed)}")
        fields[key] = value
    if not fields:
        raise ValueError("write it as key=value,key=value")
    return fields


def format_fields(fields: Sequence[tuple[str, str | None]]) -> str:
    """Write fields as the CLI reads them; those that are `None` are left out."""
    items = [f"{key}={value}" for key, value in fields if value is not None]
    return ",".join(
        '"' + item.replace('"', '""') + '"' if re.search(r'[",\r\n]', item) else item
        for item in items
    )
