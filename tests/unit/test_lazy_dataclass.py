"""Dataclasses whose methods are made when they are first needed, beside the standard ones."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, asdict, astuple, fields, is_dataclass, replace
from functools import cached_property
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType
from typing import Any, ClassVar, Generic, TypeVar

import pytest

import imagebuilders
from imagebuilders.lazy_dataclass import dataclass

ItemT = TypeVar("ItemT")
_MADE = ("__init__", "__repr__", "__eq__", "__hash__", "__dataclass_fields__", "__match_args__")


@dataclass(frozen=True)
class Point:
    """A frozen value with every kind of field."""

    kind: ClassVar[str] = "point"
    x: int
    y: int = 2
    names: list[str] = dataclasses.field(default_factory=list, compare=False)
    hidden: str = dataclasses.field(default="secret", repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x is negative")

    @cached_property
    def sum(self) -> int:
        """The sum."""
        return self.x + self.y


@dataclass(frozen=True)
class Named(Point):
    """A value that adds to another."""

    label: str = ""


class Plain(Point):
    """A class that is no dataclass by itself."""


@dataclass
class Counter:
    """A value that may change."""

    count: int = 0


@dataclass(frozen=True, kw_only=True)
class Keywords:
    """A value that is made by names."""

    first: str
    second: str = "b"


@dataclass(eq=False)
class Same:
    """A value that is equal to itself alone."""

    count: int = 0


@dataclass(frozen=True)
class Holder(Generic[ItemT]):
    """A generic value."""

    item: ItemT


@dataclass(frozen=True)
class Own:
    """A value with methods of its own."""

    text: str

    def __repr__(self) -> str:
        return "own"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())


def _standard(cls: type, **parameters: bool) -> Any:
    """Make a class of the same body with the standard decorator."""
    source = inspect.getsource(cls)
    body = source[source.index("class ") :]
    names = {**globals(), "__name__": __name__}
    exec(f"from __future__ import annotations\n{body}", names)
    return dataclasses.dataclass(**parameters)(names[cls.__name__])


@pytest.fixture(autouse=True)
def unmade() -> Iterator[None]:
    """Let each test begin with classes of which nothing is made."""
    again: list[tuple[type, str, object]] = []
    classes: tuple[type, ...] = (Point, Named, Counter, Keywords, Same, Holder, Own)
    for cls in classes:
        again += [(cls, name, value) for name, value in vars(cls).items() if name in _MADE]
    yield
    for cls, name, value in again:
        setattr(cls, name, value)


PAIRS = [
    pytest.param(Point, {"frozen": True}, (1,), id="frozen"),
    pytest.param(Counter, {}, (1,), id="mutable"),
    pytest.param(Same, {"eq": False}, (1,), id="no-eq"),
    pytest.param(Holder, {"frozen": True}, (1,), id="generic"),
    pytest.param(Own, {"frozen": True}, ("a",), id="own-methods"),
]


@pytest.mark.parametrize(("lazy", "parameters", "arguments"), PAIRS)
def test_it_becomes_what_the_standard_decorator_makes(
    lazy: Any, parameters: dict[str, bool], arguments: tuple[object, ...]
) -> None:
    """Fields, signature, text, hash and what there is to see of a class are the standard ones."""
    standard = _standard(lazy, **parameters)
    one, other = lazy(*arguments), standard(*arguments)
    assert repr(one) == repr(other)
    assert [(each.name, each.type, each.default) for each in fields(one)] == [
        (each.name, each.type, each.default) for each in fields(other)
    ]
    assert inspect.signature(lazy) == inspect.signature(standard)
    assert lazy.__match_args__ == standard.__match_args__
    assert (lazy.__hash__ is None) == (standard.__hash__ is None)
    if lazy.__hash__ is not None and parameters.get("eq", True):
        assert hash(one) == hash(other)
    assert (one == lazy(*arguments)) == (other == standard(*arguments))
    assert one != other
    assert {name for name in vars(lazy) if name not in _IGNORED} == {
        name for name in vars(standard) if name not in _IGNORED
    }


_IGNORED = {"__static_attributes__", "__firstlineno__", "__annotations__", "sum"}


@pytest.mark.parametrize("name", _MADE)
def test_each_attribute_may_be_the_first(name: str) -> None:
    """Whatever is asked for first is made, and is a plain attribute from then on."""
    assert type(vars(Point)[name]).__name__ == "_UnmadeAttribute"
    found = getattr(Point, name)
    assert vars(Point)[name] is found
    assert type(found) in (FunctionType, dict, tuple)


FIRST_USES: list[Any] = [
    pytest.param(lambda one: one == Point(1), id="equal"),
    pytest.param(lambda one: one in {Point(1)}, id="hash"),
    pytest.param(lambda one: repr(one) == "Point(x=1, y=2, names=[])", id="repr"),
    pytest.param(lambda one: replace(one, y=3).y == 3, id="replace"),
    pytest.param(lambda one: asdict(one)["hidden"] == "secret", id="asdict"),
    pytest.param(lambda one: astuple(one) == (1, 2, [], "secret"), id="astuple"),
    pytest.param(lambda one: copy.deepcopy(one) == one, id="deepcopy"),
    pytest.param(lambda one: pickle.loads(pickle.dumps(one)) == one, id="pickle"),
    pytest.param(lambda one: is_dataclass(one), id="is-dataclass"),
    pytest.param(lambda one: one.sum == 3, id="cached-property"),
    pytest.param(lambda one: one.__class__(1, 2) == one, id="positions"),
]


@pytest.mark.parametrize("use", FIRST_USES)
def test_first_use(use: Callable[[Point], bool]) -> None:
    """An instance that no `__init__` made, as unpickling has it, can be used in every way."""
    one = object.__new__(Point)
    vars(one).update(x=1, y=2, names=[], hidden="secret")
    assert use(one)


def test_matching_by_position() -> None:
    """A pattern finds the fields before anything else was asked of the class."""
    one = object.__new__(Point)
    vars(one).update(x=1, y=2, names=[], hidden="")
    match one:
        case Point(x, y):
            assert (x, y) == (1, 2)
        case _:
            pytest.fail("it does not match")


def test_defaults_are_attributes_of_the_class() -> None:
    """Defaults can be read of the class, those that are made for each instance cannot."""
    assert (Point.y, Point.hidden, Point.kind) == (2, "secret", "point")
    assert not hasattr(Point, "names")
    assert Point(1).names is not Point(1).names


def test_post_init_runs_for_heirs_too() -> None:
    """What a value checks of itself is checked when one that adds to it is made."""
    with pytest.raises(ValueError, match="negative"):
        Named(-1)
    assert Named(1, 2, [], "", "n") == Named(1, label="n", hidden="")
    assert [each.name for each in fields(Named)] == ["x", "y", "names", "hidden", "label"]


def test_values_of_an_heir_are_others() -> None:
    """A value equals no value of a class that inherits from its own."""
    assert Point(1) != Named(1)
    assert Point(1) != Plain(1)
    assert Plain(1) == Plain(1)


def test_frozen_values_cannot_be_changed() -> None:
    """Nothing can be set or deleted, with the standard errors; an heir may have more of its own."""
    one = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        one.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del one.x
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'other'"):
        one.other = 2  # type: ignore[attr-defined]
    heir = Plain(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        heir.x = 2  # type: ignore[misc]
    heir.other = 2  # type: ignore[attr-defined]
    del heir.other  # type: ignore[attr-defined]
    assert not hasattr(heir, "other")


def test_mutable_values_can_be_changed() -> None:
    """A value that is not frozen can be changed, and has no hash."""
    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(counter)


def test_keywords() -> None:
    """Fields that are given by name cannot be given by position."""
    assert Keywords(first="a") == Keywords(first="a", second="b")
    with pytest.raises(TypeError, match="positional"):
        Keywords("a")  # type: ignore[call-arg]


def test_mistakes_in_fields_are_told_by_the_first_instance() -> None:
    """What the standard decorator refuses is refused."""

    class Wrong:
        items: list[str] = []  # noqa: RUF012

    made: Any = dataclass(Wrong)
    with pytest.raises(ValueError, match="mutable default"):
        made()


def test_a_frozen_class_has_no_setattr_of_its_own() -> None:
    """As the standard decorator has it."""

    class Wrong:
        def __setattr__(self, name: str, value: object) -> None: ...

    with pytest.raises(TypeError, match="Cannot overwrite attribute __setattr__"):
        dataclass(frozen=True)(Wrong)


def test_several_threads_at_once() -> None:
    """Threads that meet a class of which nothing is made all get along with it."""
    for _ in range(20):

        @dataclass(frozen=True)
        class Fresh:
            x: int

        start = threading.Barrier(4)
        found: list[bool] = []

        def use(
            fresh: type[Fresh] = Fresh,
            start: threading.Barrier = start,
            found: list[bool] = found,
        ) -> None:
            start.wait()
            found.append(fresh(1) == fresh(1) and len({fresh(1), fresh(1)}) == 1)

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [True] * 4


def _classes() -> Iterator[type]:
    for module in walk_packages(imagebuilders.__path__, "imagebuilders."):
        if module.name in ("imagebuilders.__main__", "imagebuilders.testing"):
            continue
        for value in list(vars(import_module(module.name)).values()):
            if isinstance(value, type) and value.__module__ == module.name:
                yield value


def test_all_of_the_package_can_be_made() -> None:
    """Every dataclass of the package is well-formed, though nobody may have needed it yet."""
    found = [cls for cls in _classes() if is_dataclass(cls)]
    assert len(found) > 300
    for cls in found:
        assert callable(cls.__init__)
        assert callable(cls.__repr__)
        assert cls.__eq__ is not None


def test_unneeded_ones_are_not_made() -> None:
    """The command makes next to none of the dataclasses that it imports."""
    code = (
        "import dataclasses, sys; made = []; inner = dataclasses.dataclass\n"
        "def noted(cls=None, **more):\n"
        "    if cls is None: return lambda cls: noted(cls, **more)\n"
        "    made.append(cls.__module__); return inner(cls, **more)\n"
        "dataclasses.dataclass = noted\n"
        "import imagebuilders.daemonless.run, imagebuilders.cli.build_command\n"
        "print(sum(name.startswith('imagebuilders') for name in made))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) < 60
