"""`dataclass` as in the standard library, whose methods are made when they are first needed.

Each method of a dataclass is source that is compiled when its class is defined. The values of this
package are some three hundred classes, of which a process uses a few: with the standard decorator
a third of what a short command takes goes into methods that nobody calls. Here the class has
descriptors in their place; the first that is asked for has the standard decorator make what it
stands for, and gives way to it. From then on the class is what it would have been, at its speed.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, kw_only=False, eq=True):
        """Make a dataclass; the parameters are those of `dataclasses.dataclass`.

        What only the standard decorator can do (`order`, `slots`) is left to it. A mistake in the
        fields is told when the first instance is made.
        """

        def decorate(cls):
            return _prepare(cls, frozen=frozen, kw_only=kw_only, eq=eq)

        return decorate if cls is None else decorate(cls)


__all__ = ["dataclass"]

_NOTHING = {"init": False, "repr": False, "eq": False}
_FIELDS = ("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__init__")
_REPLACE = ("__replace__",) if sys.version_info >= (3, 13) else ()
_COPIED = ("__module__", "__qualname__", "__orig_bases__", "__post_init__")


class _Unmade:
    """Stands in a class for attributes that the standard decorator makes.

    Args:
        cls: the class.
        names: what they are called.
        defaults: what fields were given in the class's body.
        parameters: what the standard decorator is told.
    """

    def __init__(
        self,
        cls: type,
        names: tuple[str, ...],
        defaults: dict[str, object],
        parameters: dict[str, bool],
    ) -> None:
        self._cls = cls
        self._names = names
        self._defaults = defaults
        self._parameters = parameters

    def bound_to(self, name: str) -> _UnmadeAttribute:
        """Return the descriptor of one of the attributes."""
        return _UnmadeAttribute(self, name)

    def make(self, name: str) -> object:
        """Put all of them into the class, and return one.

        Two threads that do so at once make the same, and either's may stay.
        """
        made = vars(self._made())
        found = made[name]
        for each in self._names:
            if isinstance(vars(self._cls)[each], _UnmadeAttribute):
                setattr(self._cls, each, made[each])
        return found

    def _made(self) -> type:
        """Return a class that has nothing but the fields, and what the decorator makes of them."""
        cls = self._cls
        # The docstring is there to keep the decorator from writing one.
        body: dict[str, object] = {
            "__doc__": cls.__doc__ or "",
            "__annotations__": cls.__annotations__,
            **self._defaults,
        }
        body.update((name, vars(cls)[name]) for name in _COPIED if name in vars(cls))
        return dataclasses.dataclass(**self._parameters)(
            type(cls)(cls.__name__, cls.__bases__, body)
        )


class _UnmadeAttribute:
    """The descriptor of an attribute that is not made yet."""

    __slots__ = ("_name", "_unmade")

    def __init__(self, unmade: _Unmade, name: str) -> None:
        self._unmade = unmade
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> object:
        found = self._unmade.make(self._name)
        bind = getattr(type(found), "__get__", None)
        return found if bind is None else bind(found, instance, owner)


def _prepare(cls: Any, *, frozen: bool, kw_only: bool, eq: bool) -> Any:
    """Put descriptors where the standard decorator would put attributes."""
    own = vars(cls)
    defaults = {name: own[name] for name in cls.__annotations__ if name in own}
    for name, default in defaults.items():
        if isinstance(default, dataclasses.Field):
            if default.default is dataclasses.MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, default.default)
    always = {**_NOTHING, "frozen": frozen, "kw_only": kw_only}
    has_hash = own.get("__hash__") is not None  # Python sets `None` beside an `__eq__`

    def leave(names: tuple[str, ...], **parameters: bool) -> None:
        missing = tuple(name for name in names if name not in own)
        unmade = _Unmade(cls, missing, defaults, {**always, **parameters})
        for name in missing:
            setattr(cls, name, unmade.bound_to(name))

    leave((*_FIELDS, *_REPLACE), init="__init__" not in own)
    leave(("__repr__",), repr=True)
    if eq:
        leave(("__eq__",), eq=True)
        if not has_hash and not frozen:
            cls.__hash__ = None
        elif not has_hash:
            if "__hash__" in own:
                del cls.__hash__
            leave(("__hash__",), unsafe_hash=True)
    if frozen:
        _freeze(cls)
    return cls


def _freeze(cls: Any) -> None:
    """Keep instances from being changed, as the standard decorator does."""

    def refuse(self: object, name: str, what: str) -> None:
        if type(self) is cls or name in cls.__dataclass_fields__:
            raise dataclasses.FrozenInstanceError(f"cannot {what} field {name!r}")

    def assign(self: object, name: str, value: object) -> None:
        refuse(self, name, "assign to")
        super(cls, self).__setattr__(name, value)

    def delete(self: object, name: str) -> None:
        refuse(self, name, "delete")
        super(cls, self).__delattr__(name)

    for name, function in (("__setattr__", assign), ("__delattr__", delete)):
        if name in vars(cls):
            raise TypeError(f"Cannot overwrite attribute {name} in class {cls.__name__}")
        function.__name__, function.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, function)
