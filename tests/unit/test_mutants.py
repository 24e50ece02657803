"""The mutants that the session `mutants` tries."""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest


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
        ("x: Literal[1]", []),
        ("def f() -> Literal[True]: pass", []),
        ("if TYPE_CHECKING:\n    x = 1", []),
        ("f'{a == 1}'", []),
    ],
)
def test_each_kind_of_change(source: str, after: list[str]) -> None:
    """One change in each mutant, and none where nothing is executed."""
    found = mutants.mutants("a.py", source)
    assert [each.applied(source.encode()).decode() for each in found] == after


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    """Another draws others; generated code is left out."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package/a.py").write_text("\n".join(f"a{n} = {n}" for n in range(100)))
    (tmp_path / "package/b_pb2.py").write_text("b = 1\n" * 1000)
    first, again, other = (mutants.drawn("package", seed, 5, tmp_path) for seed in (1, 1, 2))
    assert first == again != other
    assert {each.file for each in first} == {"package/a.py"}
    assert str(first[0]).startswith(f"package/a.py:{first[0].line}: ")


def test_a_name_survives_moved_lines() -> None:
    """It has the function and the text of the lines, but no numbers."""
    before = "class A:\n    def f(self):\n        return (a ==\n            b) and c\n"
    moved = before.replace("class A", "x = 1\nclass A").replace(
        "            b", "                b"
    )
    first, second = (
        {each.named(source.encode()) for each in mutants.mutants("a.py", source)}
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
    (found,) = mutants.mutants("a.py", source)
    assert found.on_import is expected


def test_what_changes_nothing_is_listed_with_a_reason() -> None:
    """By a file, a scope and lines."""
    for name, reason in mutants.equivalents().items():
        assert name[0].endswith(".py")
        assert name[2]
        assert reason


def test_what_is_listed_and_gone(tmp_path: Path) -> None:
    """The session says so, before it begins: the list is to be as short as can be."""
    (tmp_path / "a.py").write_text("def f():\n    x = 1\n")
    there = [("a.py", "f", "x = 1", ""), ("a.py", "f", "x = 1", "x = 2")]
    gone = [("a.py", "f", "x = 1", "x = 3"), ("a.py", "", "x = 1", ""), ("b.py", "f", "x = 1", "")]
    assert mutants.stale([*there, *gone], tmp_path) == gone


def test_what_is_listed_without_its_change() -> None:
    """Then nothing that changes its lines can be seen; else the change counts, too."""
    known = {("a.py", "f", "x = 1", ""): "any", ("a.py", "f", "y = 1", "y = 2"): "one"}
    found = [
        mutants.why_equivalent(("a.py", scope, before, after), known)
        for scope, before, after in [
            ("f", "x = 1", "x = 2"),
            ("f", "y = 1", "y = 2"),
            ("f", "y = 1", "y = 3"),
            ("g", "x = 1", "x = 2"),
        ]
    ]
    assert found == ["any", "one", None, None]
