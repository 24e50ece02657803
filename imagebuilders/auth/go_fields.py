"""JSON as Go's decoder takes it into a struct, in which the `docker` command reads its settings.

It differs from Python's reader: names of fields are compared without case, `null` leaves a field
as it was and empties a table, a name that comes twice adds to a table, bytes that are not UTF-8
and lone surrogates become U+FFFD, and `NaN` is an error. See
https://pkg.go.dev/encoding/json#Unmarshal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from imagebuilders.go_text import replace_lone_surrogates
from imagebuilders.lazy_dataclass import dataclass

_WHITE_SPACE = " \t\r\n"


class JSONSyntaxError(ValueError):
    """The text is not JSON. Its message never quotes the text, which may hold passwords.

    Attributes:
        line: where, from 1; `None` when unknown.
    """

    def __init__(self, line: int | None = None) -> None:
        super().__init__("not valid JSON" if line is None else f"not valid JSON (line {line})")
        self.line = line


class FieldTypeError(ValueError):
    """A value has the wrong type.

    Attributes:
        key: the field's name, dotted where it is a table's.
        expected: what it should be, as in `a string`.
    """

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"{key!r} should be {expected}")
        self.key = key
        self.expected = expected


@dataclass(frozen=True)
class JSONObject:
    """An object, with its members in their order, repeated names included."""

    members: tuple[tuple[str, object], ...] = ()

    def text(self, name: str) -> str:
        """Return the string of a field, `""` when it is missing or `null`.

        Raises:
            FieldTypeError: it is not a string.
        """
        found = ""
        for value in self._values(name):
            if value is not None:
                found = _text(name, value)
        return found

    def table(self, name: str) -> dict[str, object]:
        """Return the members of a field that holds an object, none when it is missing or `null`.

        Raises:
            FieldTypeError: it is not an object.
        """
        found: dict[str, object] = {}
        for value in self._values(name):
            if value is None:
                found = {}
            elif isinstance(value, JSONObject):
                found.update(value.as_table())
            else:
                raise FieldTypeError(name, "an object")
        return found

    def text_table(self, name: str) -> dict[str, str]:
        """Return the members of a field that holds an object of strings; `null` is `""`.

        Raises:
            FieldTypeError: it is not such an object.
        """
        return {
            key: "" if value is None else _text(f"{name}.{key}", value)
            for key, value in self.table(name).items()
        }

    def as_table(self) -> Mapping[str, object]:
        """Return the members by name; of a repeated one the last."""
        return {replace_lone_surrogates(name): value for name, value in self.members}

    def unknown_fields(self, known: tuple[str, ...]) -> list[str]:
        """Return the names of members that are none of the `known` fields."""
        names = {_folded(name) for name in known}
        return [name for name, _ in self.members if _folded(name) not in names]

    def _values(self, name: str) -> list[object]:
        wanted = _folded(name)
        return [value for key, value in self.members if _folded(key) == wanted]


def decode(raw: bytes, *, single: bool = False) -> object:
    """Decode the first JSON value of a text.

    Args:
        raw: the text. An empty one has no value, which is as good as `null`.
        single: refuse a text in which something else follows the value.

    Returns:
        The value; an object in it is a `JSONObject`, and every number a float.

    Raises:
        JSONSyntaxError: it is not JSON.
    """
    text = raw.decode("utf-8", "replace")
    begin = text.lstrip(_WHITE_SPACE)
    if not begin:
        return None
    try:
        value, end = _decoder.raw_decode(begin)
    except json.JSONDecodeError as error:
        # Not chained: the error holds the whole text.
        line = text.count("\n", 0, len(text) - len(begin)) + error.lineno
        raise JSONSyntaxError(line) from None
    except (ValueError, RecursionError):
        raise JSONSyntaxError from None
    if single and begin[end:].strip(_WHITE_SPACE):
        raise JSONSyntaxError
    return value


def _refuse(constant: str) -> object:
    raise ValueError(constant)


_decoder = json.JSONDecoder(
    object_pairs_hook=lambda members: JSONObject(tuple(members)),
    parse_constant=_refuse,
    parse_int=float,  # no number of any length is an error or takes long
)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise FieldTypeError(name, "a string")
    return replace_lone_surrogates(value)


def _folded(name: str) -> str:
    return "".join(folded if len(folded := c.casefold()) == 1 else c for c in name)
