"""The rules as a whole, and the ways to apply them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.context.rules import IgnoreRules, RuleError


def kept(lines: list[str], *paths: str) -> list[str]:
    """Give the paths that the rules keep."""
    rules = IgnoreRules.compile(lines)
    return [path for path in paths if not rules.excludes(path)]


@pytest.mark.parametrize(
    ("lines", "paths", "expected"),
    [
        (["*", "!**/*.py"], ["sub/a.py", "a.txt"], ["sub/a.py"]),
        (["foo/bar", "!foo"], ["foo", "foo/bar", "foo/x"], ["foo", "foo/x"]),
        (["foo", "!foo/a.py", "foo"], ["foo/a.py", "foo/b"], ["foo/a.py"]),
        (["a", "!a/b", "a/b/c"], ["a/x", "a/b/d", "a/b/c/e"], ["a/b/d"]),
        ([], ["a"], ["a"]),
    ],
)
def test_order(lines: list[str], paths: list[str], expected: list[str]) -> None:
    """The last pattern that hits decides, and the folders above count."""
    assert kept(lines, *paths) == expected


def test_decisive_pattern() -> None:
    """A verdict has the pattern that decided."""
    rules = IgnoreRules.compile(["a", (5, "!a/b")])
    verdicts = rules.judge_deep("a/b/c")
    assert [path for path, _ in verdicts] == ["a", "a/b", "a/b/c"]
    assert [verdict.decisive for _, verdict in verdicts] == [0, 1, 1]
    assert rules.patterns[1].line == 5


def test_malformed() -> None:
    """Malformed patterns are told when compiled, or when tried if Docker tells then."""
    with pytest.raises(RuleError) as caught:
        IgnoreRules.compile([(2, "[")])
    assert (caught.value.pattern, caught.value.line) == ("[", 2)
    rules = IgnoreRules.compile(["a", (4, "[z-a]")])
    judge = rules.in_folder("", 0)
    assert judge("a")[0]
    with pytest.raises(RuleError, match="invalid character class range") as caught:
        judge("b")
    assert caught.value.line == 4


@pytest.mark.parametrize(
    ("lines", "folder", "opened"),
    [
        (["a"], "a/", False),
        (["*", "!b/c"], "a/", False),
        (["*", "!b/c"], "b/", True),
        (["*", "!*/c/*"], "b/", True),
        (["*", "!*/c/x"], "b/d/", False),
        (["*", "!*/c/**/x"], "b/c/d/e/", True),
        (["*", "!b/c**"], "b/", True),
        (["*", "!b/c**"], "b/d/", False),
        (["*", "!**/x"], "a/", True),
        (["*", "!**/x/*.py"], "a/", True),
        (["*", "![^q]/x"], "a/", True),
    ],
)
def test_folders_left_unopened(lines: list[str], folder: str, opened: bool) -> None:
    """A dropped folder is opened only if a negated pattern can hit something in it."""
    rules = IgnoreRules.compile(lines)
    _, verdict = rules.judge_deep(folder[:-1])[-1]
    assert verdict.excluded
    assert rules.may_keep_below(folder, verdict.hits) is opened


@pytest.mark.parametrize(
    ("lines", "folder", "possible"),
    [
        ([], "a/", False),
        (["a"], "a/", False),
        (["!a/b"], "a/", False),
        (["a/b"], "a/", True),
        (["a/b/c"], "a/b/", True),
        (["a/b/c"], "b/", False),
        (["*.py"], "a/", False),
        (["**/*.py"], "a/", True),
        (["*/x"], "a/", True),
        (["*/x"], "a/b/", False),
    ],
)
def test_what_may_be_dropped_below(lines: list[str], folder: str, possible: bool) -> None:
    """Below a folder something can be dropped only if a pattern can hit there."""
    assert IgnoreRules.compile(lines).may_drop_below(folder) is possible


def test_negations() -> None:
    """Rules tell whether they have exceptions."""
    assert IgnoreRules.compile(["a", "!a/b"]).has_negations
    assert not IgnoreRules.compile(["a", "b"]).has_negations


NAME = st.sampled_from(
    ["a", "b", "ab", "a.py", "b.txt", "x{2}", "d1", "ü", "é.py", "n\nl", "\udcff"]
)
PATHS = st.lists(st.lists(NAME, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12)
PART = st.sampled_from(
    [
        "a",
        "b",
        "*",
        "?",
        "**",
        "*.py",
        "a*",
        "*b",
        "[ab]",
        "[^a]",
        "**a",
        "b**",
        "a|b",
        "\\d*",
        "d{1}*",
        "[z-a]",
        "a*b",
        "?.*",
        "ü",
        "*[!x]",
        "\\a",
        "\\*",
        "[a-c]*",
        "\udcff",
    ]
)
LINES = st.lists(
    st.builds(
        str.__add__,
        st.sampled_from(["", "", "!"]),
        st.lists(PART, min_size=1, max_size=3).map("/".join),
    ),
    max_size=6,
)


def walk(rules: IgnoreRules, paths: list[str], *, fast: bool) -> Iterator[str]:
    """Give the paths of a tree that the rules keep, with or without leaving folders unopened."""
    tree: dict[str, set[str]] = {}
    for path in paths:
        while path:
            folder = path.rpartition("/")[0]
            tree.setdefault(folder, set()).add(path)
            path = folder

    def below(folder: str, hits: int) -> Iterator[str]:
        prefix = folder and folder + "/"
        judge = rules.in_folder(prefix, hits)
        for path in sorted(tree.get(folder, ())):
            if fast:
                excluded, new_hits = judge(path[len(prefix) :])
            else:
                verdict = rules.judge(path, hits)
                excluded, new_hits = verdict.excluded, verdict.hits
            if not excluded:
                yield path
            if not (fast and excluded and not rules.may_keep_below(path + "/", new_hits)):
                yield from below(path, new_hits)

    return below("", 0)


@given(LINES, PATHS)
@settings(max_examples=80, deadline=None)
def test_pruned_is_unpruned(lines: list[str], paths: list[str]) -> None:
    """Leaving folders unopened and judging them at once never changes what is kept."""
    try:
        rules = IgnoreRules.compile(lines)
    except RuleError:
        return

    def outcome(fast: bool) -> object:
        try:
            return list(walk(rules, paths, fast=fast))
        except RuleError as error:
            return error.pattern

    assert outcome(fast=True) == outcome(fast=False)
