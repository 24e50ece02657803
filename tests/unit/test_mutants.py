"""The mutants that the session `mutants` tries."""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mutants.changes import Mutant, drawn, mutants
from mutants.equivalents import equivalents, stale, why_equivalent
from mutants.laboratory import nearest_first
from mutants.reach import Reach
from mutants.replacement import LiveFunctions, ReplacementError
from mutants.trials import Outcome, Trial, answer, run_in_order


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("a == b", ["a != b"]),
        ("a < b", ["a <= b"]),
        ("a not in b", ["a in b"]),
        ("a is None", ["a is not None"]),
        ("a and b", ["a or b"]),
        ("not a", ["a"]),
        ("x = True", ["x = False"]),
        ("x = 3", ["x = 4"]),
        ("x = 'é', 1.5", ["x = 'é', 2.5"]),
        ("def f():\n    return g()", ["def f():\n    return None"]),
        ("def f(a=1): pass", ["def f(a=2): pass"]),
        ("a < b < c", []),
        ("x = 'text'", []),
        ("def f():\n    return None", []),
        ("def f():\n    return False", ["def f():\n    return True"]),
        ("def f():\n    return 0", ["def f():\n    return None", "def f():\n    return 1"]),
        ("x: Literal[1]", []),
        ("def f() -> Literal[True]: pass", []),
        ("if TYPE_CHECKING:\n    x = 1", []),
        ("f'{a == 1}'", []),
    ],
)
def test_each_kind_of_change(source: str, after: list[str]) -> None:
    """One change in each mutant, and none where nothing is executed."""
    found = mutants("a.py", source)
    assert [each.applied(source.encode()).decode() for each in found] == after


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    """Another draws others; generated code is left out."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package/a.py").write_text("\n".join(f"a{n} = {n}" for n in range(100)))
    (tmp_path / "package/b_pb2.py").write_text("b = 1\n" * 1000)
    first, again, other = (drawn("package", seed, 5, tmp_path) for seed in (1, 1, 2))
    assert first == again != other
    assert {each.file for each in first} == {"package/a.py"}
    assert str(first[0]).startswith(f"package/a.py:{first[0].line}: ")


def test_other_code_changes_no_lot(tmp_path: Path) -> None:
    """Of what was drawn, a commit elsewhere leaves nearly all, also where code moves to a file."""
    lines = [f"a{n} = {n}" for n in range(200)]
    (tmp_path / "package").mkdir()
    (tmp_path / "package/b.py").write_text("\n".join(lines))
    first = {(each.before, each.after) for each in drawn("package", 1, 20, tmp_path)}
    (tmp_path / "package/a.py").write_text("\n".join(["new = 5000", *lines[100:]]))
    (tmp_path / "package/b.py").write_text("\n".join(lines[:100]))
    again = {(each.before, each.after) for each in drawn("package", 1, 20, tmp_path)}
    assert len(first - again) <= 1


def test_equal_lines_have_lots_of_their_own(tmp_path: Path) -> None:
    """One of them may be drawn without the others."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package/a.py").write_text("x = 1\n" * 50)
    assert len({each.line for each in drawn("package", 1, 10, tmp_path)}) == 10


def test_a_name_survives_moved_lines() -> None:
    """It has the function and the text of the lines, but no numbers."""
    before = "class A:\n    def f(self):\n        return (a ==\n            b) and c\n"
    moved = before.replace("class A", "x = 1\nclass A").replace(
        "            b", "                b"
    )
    first, second = (
        {each.named(source.encode()) for each in mutants("a.py", source)}
        for source in (before, moved)
    )
    assert first == second - {("a.py", "", "x = 1", "x = 2")}
    equal = ("a.py", "A.f", "return (a == b) and c", "return (a != b) and c")
    assert equal in first


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1", True),
        ("class A:\n    x = 1", True),
        ("def f(a=1): pass", True),
        ("def f():\n    x = 1", False),
        ("def f():\n    class A:\n        x = 1", False),
        ("x = lambda: 1", False),
    ],
)
def test_what_runs_on_import(source: str, expected: bool) -> None:
    """All that is outside of functions, and the defaults of their parameters."""
    (found,) = mutants("a.py", source)
    assert found.on_import is expected


def test_what_changes_nothing_is_listed_with_a_reason() -> None:
    """By a file, a scope and lines."""
    for name, reason in equivalents().items():
        assert name[0].endswith(".py")
        assert name[2]
        assert reason


def test_what_is_listed_and_gone(tmp_path: Path) -> None:
    """The session says so, before it begins: the list is to be as short as can be."""
    (tmp_path / "a.py").write_text("def f():\n    x = 1\n")
    there = [("a.py", "f", "x = 1", ""), ("a.py", "f", "x = 1", "x = 2")]
    gone = [("a.py", "f", "x = 1", "x = 3"), ("a.py", "", "x = 1", ""), ("b.py", "f", "x = 1", "")]
    assert stale([*there, *gone], tmp_path) == gone


def test_what_is_listed_without_its_change() -> None:
    """Then nothing that changes its lines can be seen; else the change counts, too."""
    known = {("a.py", "f", "x = 1", ""): "any", ("a.py", "f", "y = 1", "y = 2"): "one"}
    found = [
        why_equivalent(("a.py", scope, before, after), known)
        for scope, before, after in [
            ("f", "x = 1", "x = 2"),
            ("f", "y = 1", "y = 2"),
            ("f", "y = 1", "y = 3"),
            ("g", "x = 1", "x = 2"),
        ]
    ]
    assert found == ["any", "one", None, None]


_SOURCE = """
import functools

def decorated(call):
    @functools.wraps(call)
    def wrapper(*values):
        return call(*values) + 1
    return wrapper

class A:
    LIMIT = 3

    @property
    def size(self):
        return [each for each in (1, 2, 3) if each > 1]

    @decorated
    def more(self):
        return 1 if self.LIMIT else 0

def closed_over(value):
    def inner():
        return value
    return inner

CLOSED = closed_over(5)
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    """An imported module with functions of all kinds."""
    path = tmp_path / "example.py"
    path.write_text(_SOURCE, encoding="utf-8")
    spec = spec_from_file_location("example_of_mutants", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("each > 1", "each >= 1", ([1, 2, 3], 2, 5)),
        ("else 0", "else 9", ([2, 3], 2, 5)),
        ("return 1 if self.LIMIT else 0", "return 7", ([2, 3], 8, 5)),
        ("call(*values) + 1", "call(*values) + 2", ([2, 3], 3, 5)),
        ("return value", "return value + 1", ([2, 3], 2, 6)),
    ],
)
def test_functions_are_changed_where_they_live(
    module: ModuleType, before: str, after: str, expected: tuple[list[int], int, int]
) -> None:
    """Properties, methods behind decorators and closures do at once what the changed file says."""
    changed = _SOURCE.replace(before, after).encode()
    LiveFunctions().replace(str(module.__file__), _SOURCE.encode(), changed)
    assert (module.A().size, module.A().more(), module.CLOSED()) == expected


@pytest.mark.parametrize(
    ("before", "after"), [("LIMIT = 3", "LIMIT = 4"), ("return value", "return None")]
)
def test_what_only_an_import_can_change(module: ModuleType, before: str, after: str) -> None:
    """What runs when the module is imported, and a function that closes over fewer variables."""
    changed = _SOURCE.replace(before, after).encode()
    with pytest.raises(ReplacementError):
        LiveFunctions().replace(str(module.__file__), _SOURCE.encode(), changed)


def test_a_file_that_nobody_has_imported(tmp_path: Path) -> None:
    """Whoever imports it reads the change, so that there is nothing to replace."""
    LiveFunctions().replace(str(tmp_path / "other.py"), b"x = 1", b"x = 2")


def _fails(trial: Trial, told: int) -> int:
    os.write(told, b"a\nb\n")
    return 1


def _passes(trial: Trial, told: int) -> int:
    os.write(told, b"a\n")
    return 0


def _hangs(trial: Trial, told: int) -> int:
    os.write(told, b"a\n")
    os.read(os.pipe()[0], 1)
    return 0


def _breaks(trial: Trial, told: int) -> int:
    raise ValueError


def _leaves_a_process(trial: Trial, told: int) -> int:
    if os.fork() == 0:
        os.read(os.pipe()[0], 1)
    return 0


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (_fails, ("killed", "b")),
        (_passes, ("lives", "a")),
        (_hangs, ("hangs", "a")),
        (_breaks, ("broken", "")),
        (_leaves_a_process, ("lives", "")),
    ],
)
def test_what_a_trial_shows(
    run: Callable[[Trial, int], int], expected: tuple[Outcome, str]
) -> None:
    """A fork tells of the tests that it begins; it ends with all that it started."""
    limit = 0.01 if run is _hangs else 60.0
    assert answer(Trial("", "", []), run, limit) == expected


@pytest.mark.parametrize(
    ("names", "ran"),
    [
        ([], []),
        (["gone"], []),
        (["b"], [("b", None)]),
        (["b", "gone", "a"], [("b", "a"), ("a", None)]),
    ],
)
def test_tests_are_run_in_the_order_asked_for(
    names: list[str], ran: list[tuple[str, str | None]]
) -> None:
    """Each knows the next; one that was not collected is left out."""
    seen: list[tuple[object, object]] = []
    items: Any = {"a": "a", "b": "b"}
    run_in_order(lambda *, item, nextitem: seen.append((item, nextitem)), items, names)
    assert seen == ran


def test_which_tests_reach_a_line(tmp_path: Path) -> None:
    """What one process saw is kept in a file."""
    by_line = {"a.py": {1: array("I", [0, 1]), 2: array("I", [2])}}
    Reach(["", "first", "second"], by_line, ["second"]).write(tmp_path / "1.reach")
    reach = Reach.read(tmp_path / "1.reach")
    assert reach.failed == ["second"]
    assert reach.reaching("a.py") == {"", "first", "second"}
    assert reach.reaching("a.py", [2, 3]) == {"second"}
    assert reach.reaching("b.py") == set()


def test_the_likeliest_tests_come_first(tmp_path: Path) -> None:
    """Of its own file, then of those that name its function, of its folder, and the others."""
    own, named, near, far = files = [
        f"tests/unit/{name}.py"
        for name in ("oci/test_tar", "aws/test_links", "oci/test_index", "aws/test_clients")
    ]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("write_all" if file == named else "")
    tests = [f"{file}::x" for file in (far, near, named, own)]
    mutant = Mutant("imagebuilders/oci/tar.py", 1, 0, "1", "2", "Writer._write_all")
    expected = [f"{file}::x" for file in (own, named, near, far)]
    assert nearest_first(mutant, tests, tmp_path) == expected
