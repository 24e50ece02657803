"""Reading JSON into types as Go does it, with its words for what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fakes.engine import go_text


@dataclass(frozen=True)
class Plain:
    """A value that holds no others."""

    name: str
    python: type


@dataclass(frozen=True)
class Mapped:
    """An object whose keys are free."""

    of: Plain

    @property
    def name(self) -> str:
        """As Go writes it."""
        return f"map[string]{self.of.name}"


@dataclass(frozen=True)
class Many:
    """A list."""

    of: Kind

    @property
    def name(self) -> str:
        """As Go writes it."""
        return f"[]{self.of.name}"


@dataclass(frozen=True)
class Struct:
    """An object whose keys are known.

    Attributes:
        name: with its package.
        fields: by name.
        embedded: the part of it that holds the fields which are not its own.
        own: the fields beside that part.
    """

    name: str
    fields: Mapping[str, Kind]
    embedded: str = ""
    own: Sequence[str] = ()


Kind = Plain | Mapped | Many | Struct

STRING, BOOL, INT = Plain("string", str), Plain("bool", bool), Plain("int", int)
STRINGS = Mapped(STRING)


class MismatchError(ValueError):
    """A value is of another type than the one it is read into; its text is Go's."""


@dataclass(frozen=True)
class _Place:
    """Where in a document something stands.

    Attributes:
        struct: the innermost type.
        fields: the fields on the way, by their names in the types.
        given: all that is on the way, as the document has it.
        listed: the last of it is a place in a list.
    """

    struct: str = ""
    fields: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    listed: bool = False

    def field(self, struct: Struct, name: str, given: str) -> _Place:
        """A field of what is here."""
        part = (struct.embedded,) if struct.embedded and name not in struct.own else ()
        short = struct.name.rpartition(".")[2]
        root = self.given or (short,)
        return _Place(short, (*self.fields, *part, name), (*root, given))

    def inside(self, key: str, *, listed: bool) -> _Place:
        """An element of the map or the list that is here."""
        return replace(self, given=(*self.given, key), listed=listed)

    def show(self, *, in_full: bool) -> str:
        """As newer versions of Go show it, in full, or as older ones do."""
        if not self.fields:
            return "Go value"
        if not in_full:
            return f"Go struct field {self.struct}.{'.'.join(self.fields)}"
        what = "" if self.listed else "Go struct field "
        return f"{what}{'.'.join(self.given)}"


def read(value: Any, kind: Kind, *, in_full: bool) -> Any:
    """A value as it is read into a type: fields by their names in it.

    Args:
        value: of JSON.
        kind: the type.
        in_full: as newer versions of Go say where something stands.

    Raises:
        MismatchError: when it does not fit.
    """
    return _Reader(in_full).read(value, kind, _Place())


class _Reader:
    def __init__(self, in_full: bool) -> None:
        self._in_full = in_full

    def read(self, value: Any, kind: Kind, place: _Place) -> Any:
        if value is None:
            return None
        match kind, value:
            case Struct(), dict():
                return self._struct(value, kind, place)
            case Mapped(), dict():
                return {
                    key: self.read(item, kind.of, place.inside(key, listed=False))
                    for key, item in value.items()
                }
            case Many(), list():
                return [
                    self.read(item, kind.of, place.inside(str(index), listed=True))
                    for index, item in enumerate(value)
                ]
            case Plain(), _ if type(value) is kind.python:
                return value
        found, where = go_text.kind_of(value), place.show(in_full=self._in_full)
        raise MismatchError(f"json: cannot unmarshal {found} into {where} of type {kind.name}")

    def _struct(self, value: dict[str, Any], kind: Struct, place: _Place) -> dict[str, Any]:
        names = {name.lower(): name for name in kind.fields}
        result: dict[str, Any] = {}
        for given, item in value.items():
            name = names.get(given.lower())
            if name is not None:
                inner = place.field(kind, name, given)
                result[name] = self.read(item, kind.fields[name], inner)
        return result
