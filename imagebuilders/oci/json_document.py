"""Reading the JSON documents of images: bounded, typed, and with the place in each error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from imagebuilders.exceptions import ImageFormatError

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
"""The most bytes of a manifest or index: what registries must take, and seldom take more than."""

MAX_INT = 2**63 - 1


def load_object(
    content: bytes, what: str, *, max_bytes: int = MAX_DOCUMENT_BYTES
) -> dict[str, object]:
    """Parse a JSON object (RFC 8259), strictly: UTF-8, no key twice, no `NaN`.

    Args:
        content: the document.
        what: what the document is, for errors, as in `the manifest`.
        max_bytes: the most bytes it may have.

    Raises:
        ImageFormatError: it is not such an object.
    """
    if len(content) > max_bytes:
        raise ImageFormatError(
            f"{_sentence(what)} has {len(content)} bytes; at most {max_bytes} are read."
        )
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ImageFormatError(f"{_sentence(what)} is not JSON: {reason}.") from error
    if not isinstance(value, dict):
        raise ImageFormatError(f"{_sentence(what)} is not a JSON object.")
    return value


def dump_object(value: Mapping[str, object]) -> bytes:
    """Return the object as compact JSON, its keys in their order."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


class ObjectReader:
    """Takes the fields of one JSON object, each with the type it must have.

    A field that is `null` counts as absent, as Go's reader has it. What nobody took is `rest()`.

    Args:
        value: the parsed value.
        what: what the whole document is, for errors.
        place: where in the document the value stands.

    Raises:
        ImageFormatError: the value is not an object.
    """

    def __init__(self, value: object, what: str, place: str = "") -> None:
        self._what = what
        self._place = place
        if not isinstance(value, dict):
            raise self._error(place, "an object", value)
        self._fields: dict[str, object] = value
        self._taken: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the field is there and not `null`."""
        return self._fields.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """Return a string.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._error(self._at(key), "a string", value)
        return value

    def required_text(self, key: str) -> str:
        """Return a string that must be there and not be empty.

        Raises:
            ImageFormatError: it is absent, empty, or something else.
        """
        value = self.text(key)
        if not value:
            raise ImageFormatError(
                f"{_sentence(self._what)} has no {self._at(key)}.", field=self._at(key)
            )
        return value

    def integer(self, key: str) -> int | None:
        """Return a whole number from 0 to 2^63 - 1; `None` when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        if value is None:
            return None
        # A bool is an int for Python.
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
            raise self._error(self._at(key), "a whole number, 0 or more", value)
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self._error(self._at(key), "true or false", value)
        return value

    def texts(self, key: str) -> tuple[str, ...] | None:
        """Return a list of strings; `None` when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        items = self._list(key)
        if items is None:
            return None
        for position, item in enumerate(items):
            if not isinstance(item, str):
                raise self._error(f"{self._at(key)}[{position}]", "a string", item)
        return tuple(str(item) for item in items)

    def text_map(self, key: str) -> dict[str, str]:
        """Return an object whose values are strings; an empty one when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._error(self._at(key), "an object", value)
        for name, item in value.items():
            if not isinstance(item, str):
                raise self._error(f"{self._at(key)}[{name!a}]", "a string", item)
        return dict(value)

    def keys(self, key: str) -> tuple[str, ...] | None:
        """Return the keys of an object that is used as a set; `None` when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._error(self._at(key), "an object", value)
        return tuple(value)

    def child(self, key: str) -> ObjectReader | None:
        """Return an object; `None` when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        value = self._take(key)
        return None if value is None else ObjectReader(value, self._what, self._at(key))

    def children(self, key: str) -> tuple[ObjectReader, ...]:
        """Return a list of objects; an empty one when it is absent.

        Raises:
            ImageFormatError: it is something else.
        """
        items = self._list(key) or []
        return tuple(
            ObjectReader(item, self._what, f"{self._at(key)}[{position}]")
            for position, item in enumerate(items)
        )

    def rest(self) -> dict[str, object]:
        """Return the fields that were not taken: what is unknown here, and must not get lost."""
        return {key: value for key, value in self._fields.items() if key not in self._taken}

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise the error of a field whose value cannot be used.

        Raises:
            ImageFormatError: always.
        """
        raise ImageFormatError(
            f"{_sentence(self._what)} is malformed: {self._at(key)}: {problem}",
            field=self._at(key),
        )

    def _take(self, key: str) -> object:
        self._taken.add(key)
        return self._fields.get(key)

    def _list(self, key: str) -> list[object] | None:
        value = self._take(key)
        if value is not None and not isinstance(value, list):
            raise self._error(self._at(key), "a list", value)
        return value

    def _at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _error(self, place: str, expected: str, value: object) -> ImageFormatError:
        found = "null" if value is None else f"of type {type(value).__name__}"
        where = f"{place} is" if place else "it is"
        return ImageFormatError(
            f"{_sentence(self._what)} is malformed: {where} {found}, not {expected}.",
            field=place or None,
        )


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Readers differ on which of two equal keys counts; that must not decide what an image is."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has a key twice")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _sentence(what: str) -> str:
    return what[:1].upper() + what[1:]
