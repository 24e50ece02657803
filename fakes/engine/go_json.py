"""Reading JSON into types as Go does it, with its words for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .. import go_text


@dataclass(frozen=True)
class AnyValue:
    """Whatever is given."""

    name: str = "interface {}"


@dataclass(frozen=True)
class Scalar:
    """A value that holds no others."""

    name: str
    python: type


@dataclass(frozen=True)
class Checked:
    """A string that is looked at as it is read.

    Attributes:
        name: of the type.
        wrong: what is wrong with a text, empty when nothing is.
        strict: how Go goes on about a value that is no string.
    """

    name: str
    wrong: Callable[[str], str]
    strict: str = ": JSON value must be string type"


@dataclass(frozen=True)
class OneOrMany:
    """A list of strings, or one string alone."""

    name: str = "string"


@dataclass(frozen=True)
class MapOf:
    """An object whose keys are free.

    Attributes:
        of: its values.
        own_name: if the type has one.
        wrong_key: what is wrong with a key, empty when nothing is.
    """

    of: Kind
    own_name: str = ""
    wrong_key: Callable[[str], str] | None = None

    @property
    def name(self) -> str:
        """As Go writes it."""
        return self.own_name or f"map[string]{self.of.name}"


@dataclass(frozen=True)
class ListOf:
    """A list.

    Attributes:
        of: its elements.
        own_name: if it is none of the usual kind.
    """

    of: Kind
    own_name: str = ""

    @property
    def name(self) -> str:
        """As Go writes it."""
        return self.own_name or f"[]{self.of.name}"


@dataclass(frozen=True)
class Struct:
    """An object whose keys are known.

    Attributes:
        name: with its package.
        fields: by name.
        embedded: the part of it that holds the fields which are not its own.
        own: the fields beside that part.
        unnamed: newer versions of Go do not know its name, for they are to read into what
            only points to it.
    """

    name: str
    fields: Mapping[str, Kind]
    embedded: str = ""
    own: Sequence[str] = ()
    unnamed: bool = False


Kind = AnyValue | Scalar | Checked | OneOrMany | MapOf | ListOf | Struct

FREE, STRING, BOOL, INT = (
    AnyValue(),
    Scalar("string", str),
    Scalar("bool", bool),
    Scalar("int", int),
)
STRINGS = MapOf(STRING)
NOTHING = Struct("struct {}", {})
"""An object that says nothing but that it is there."""


class MismatchError(ValueError):
    """A value is of another type than the one it is read into; its text is Go's."""


@dataclass(frozen=True)
class _Place:
    """Where in a document something stands.

    Attributes:
        struct: the innermost type.
        fields: the fields on the way, by their names in the types.
        given: all that is on the way, as the document has it.
        listed: the last of it is a place in a list or a set.
    """

    struct: str = ""
    fields: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    listed: bool = False

    def field(self, struct: Struct, name: str, given: str) -> _Place:
        """A field of what is here."""
        part = (struct.embedded,) if struct.embedded and name not in struct.own else ()
        short = struct.name.rpartition(".")[2]
        root = self.given or ("" if struct.unnamed else short,)
        return _Place(short, (*self.fields, *part, name), (*root, given))

    def inside(self, key: str, *, listed: bool) -> _Place:
        """An element of the map or the list that is here."""
        pointer = key.replace("~", "~0").replace("/", "~1")
        return replace(self, given=(*(self.given or ("",)), pointer), listed=listed)

    def show(self, *, in_full: bool) -> str:
        """As newer versions of Go show it, in full, or as older ones do."""
        if not (self.given if in_full else self.fields):
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
            case MapOf(), dict():
                listed = kind.of is NOTHING
                for key in value if kind.wrong_key else ():
                    if kind.wrong_key and (reason := kind.wrong_key(key)):
                        raise MismatchError(reason)
                return {
                    key: self.read(item, kind.of, place.inside(key, listed=listed))
                    for key, item in value.items()
                }
            case ListOf(), list():
                return [
                    self.read(item, kind.of, place.inside(str(index), listed=True))
                    for index, item in enumerate(value)
                ]
            case OneOrMany(), str():
                return [value]
            case OneOrMany(), list() if all(isinstance(item, str) for item in value):
                return value
            case OneOrMany(), _:
                # It reads itself, and does not know where it is in the document.
                place = _Place() if self._in_full else place
            case Checked(), str():
                if reason := kind.wrong(value):
                    raise MismatchError(reason)
                return value
            case Scalar(), _ if type(value) is kind.python:
                return value
            case AnyValue(), _:
                return value
        found, where = go_text.kind_of(value), place.show(in_full=self._in_full)
        if isinstance(kind, Scalar) and kind.python is int and isinstance(value, float):
            found = f"number {value}"
        more = kind.strict if isinstance(kind, Checked) else ""
        raise MismatchError(
            f"json: cannot unmarshal {found} into {where} of type {kind.name}{more}"
        )

    def _struct(self, value: dict[str, Any], kind: Struct, place: _Place) -> dict[str, Any]:
        names = {name.lower(): name for name in kind.fields}
        result: dict[str, Any] = {}
        for given, item in value.items():
            name = names.get(given.lower())
            if name is not None:
                inner = place.field(kind, name, given)
                result[name] = self.read(item, kind.fields[name], inner)
        return result
