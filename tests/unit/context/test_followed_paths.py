"""Paths that a daemon has followed through links."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.context.folder import Folder
from imagebuilders.context.followed_paths import (
    MAX_STEPS,
    TooManyStepsError,
    follow_links,
    has_wildcard,
)
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.walk import walk


def tree(root: Path, links: Mapping[str, str], *files: str) -> Folder:
    """Make a folder with links and empty files."""
    for name in (*links, *files):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    for name in files:
        (root / name).touch()
    for name, target in links.items():
        (root / name).symlink_to(target)
    return walk(str(root), IgnoreRules())


@pytest.mark.parametrize(
    ("links", "paths", "found"),
    [
        pytest.param({}, ["a", "b/c"], ["a", "b/c"], id="no-links"),
        pytest.param({}, ["./a/../b//c/"], ["b/c"], id="cleaned"),
        pytest.param({}, ["/a"], ["a"], id="from-the-root"),
        pytest.param({}, ["missing/x", "f*/x"], ["f*/x", "missing/x"], id="nothing-there"),
        pytest.param({"l": "a"}, ["l"], ["a", "l"], id="link"),
        pytest.param({"b/l": "c", "m": "b/l"}, ["m"], ["b/c", "b/l", "m"], id="chain"),
        pytest.param({"l": "b"}, ["l/c"], ["b/c", "l"], id="link-on-the-way"),
        pytest.param({"l": "b"}, ["l/c", "l/d"], ["b/c", "b/d", "l"], id="the-same-link-twice"),
        pytest.param({"l": "/b/c"}, ["l"], ["b/c", "l"], id="absolute"),
        pytest.param({"b/l": "../../../a"}, ["b/l"], ["a", "b/l"], id="above-the-root"),
        pytest.param({"l": "l"}, ["l", "l/x"], ["l"], id="loop"),
        pytest.param({"l": "m", "m": "l"}, ["m"], ["l", "m"], id="loop-of-two"),
        pytest.param({"l": "l/x"}, ["l/y"], ["l"], id="growing-loop"),
        pytest.param({"l": "gone/x"}, ["l"], ["gone/x", "l"], id="dangling"),
        pytest.param({"b/l": "c"}, ["b/*"], ["b/*", "b/c"], id="wildcard"),
        pytest.param({"b/l": "/a"}, ["b/[kl]"], ["a", "b/[kl]"], id="class"),
        pytest.param({"k": "b", "l": "b"}, ["?/c"], ["?", "b/c"], id="wildcard-on-the-way"),
        pytest.param({"b/l": "/a"}, ["*/l"], ["*/l"], id="no-link-fits"),
        pytest.param({"b/l": "/a"}, ["b/["], ["b/["], id="malformed"),
        pytest.param({"!l": "a", " l": "b"}, ["!*", " *"], [" *", "!*", "a", "b"], id="odd-starts"),
        pytest.param({"l ": "a", "lx": "b"}, ["* "], ["* ", "a"], id="blank-end"),
        pytest.param({"l": "/"}, ["l"], None, id="to-the-root"),
        pytest.param({"l": "."}, ["l"], None, id="to-the-folder"),
        pytest.param({}, ["."], None, id="the-folder"),
        pytest.param({}, ["a", "/"], None, id="the-root"),
    ],
)  # fmt: skip
def test_followed(
    root: Path, links: dict[str, str], paths: list[str], found: list[str] | None
) -> None:
    """What is asked for, the links on the way, and where they lead, within the folder."""
    assert follow_links(tree(root, links, "a", "b/c", "b/d"), paths) == found


def test_work_is_bounded(root: Path) -> None:
    """Links that lead to each other in many ways, and many paths, end with an error in time."""
    folder = tree(root, {f"l{number}": "." for number in range(20)}, "a")
    began = time.monotonic()
    assert follow_links(folder, ["/".join(["l*"] * 60)]) is None
    with pytest.raises(TooManyStepsError):
        follow_links(folder, [f"l{number % 20}/{number}" for number in range(MAX_STEPS)])
    assert time.monotonic() - began < 30


@given(st.lists(st.text(st.sampled_from("ab*?[]\\/.!l"), max_size=12), max_size=5))
def test_any_paths_stay_inside(paths: list[str]) -> None:
    """Whatever is asked for, no path that comes out begins above the folder or at the root."""
    found = follow_links(Folder("", ""), paths)
    for path in found or ():
        assert not path.startswith("/")
        assert path


@pytest.mark.parametrize(
    ("name", "is_wild"),
    [("a", False), ("*", True), ("a?", True), ("[a", True), ("\\*", False), ("\\\\*", True)],
)
def test_wildcards(name: str, is_wild: bool) -> None:
    """An escaped wildcard is none."""
    assert has_wildcard(name) is is_wild
