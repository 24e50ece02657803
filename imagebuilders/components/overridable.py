"""A property that subclasses may replace by a plain class attribute, to the type checkers' taste.

mypy lets a class attribute stand in for a property of the base; pyright refuses it
(`reportIncompatibleMethodOverride`). At runtime `overridable_property` is `property`; to a type
checker it says that the class holds either the value or a descriptor that returns it, so both
spellings of a subclass are right:

    name = "kite"

    @property
    def name(self) -> str:
        return "kite"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

ValueT = TypeVar("ValueT")
ValueT_co = TypeVar("ValueT_co", covariant=True)


class Descriptor(Protocol[ValueT_co]):
    """What returns a value when it is looked up on an object, as a property does.

    `Any`, here and below: the object is one of whichever class the property stands in.
    """

    def __get__(self, instance: Any, owner: type | None = None, /) -> ValueT_co:
        """Return the value."""
        ...


if TYPE_CHECKING:
    from collections.abc import Callable

    def overridable_property(getter: Callable[[Any], ValueT]) -> ValueT | Descriptor[ValueT]:
        """Make a property that a subclass may replace by a property or a class attribute."""
        raise NotImplementedError
else:
    overridable_property = property
