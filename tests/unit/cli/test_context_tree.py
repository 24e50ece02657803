"""A context as a tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.cli.context_tree import ASCII_BRANCHES, build_tree, tree_lines
from imagebuilders.context.entries import Entry, EntryType

ENTRIES = [
    Entry("Dockerfile", EntryType.FILE, size=20),
    Entry("assets", EntryType.DIRECTORY),
    Entry("assets/big.bin", EntryType.FILE, size=2_000_000),
    Entry("assets/deep", EntryType.DIRECTORY),
    Entry("assets/deep/er.txt", EntryType.FILE, size=5),
    Entry("empty", EntryType.DIRECTORY),
    Entry("here\nthere", EntryType.LINK, target="\x1b[2J"),
]


def draw(*, depth: int | None = None, width: int | None = None) -> list[str]:
    """Draw the example."""
    return list(tree_lines(build_tree(ENTRIES), "app", depth=depth, width=width))


def test_tree() -> None:
    """Sizes add up, the largest comes first, and odd names do no harm."""
    assert draw() == [
        "   2.0 MB  app (4 files)",
        "   2.0 MB  ├── assets/ (2 files)",
        "   2.0 MB  │   ├── big.bin",
        "      5 B  │   └── deep/ (1 file)",
        "      5 B  │       └── er.txt",
        "     20 B  ├── Dockerfile",
        "      0 B  ├── empty/ (0 files)",
        "      0 B  └── here\\nthere -> \\x1b[2J",
    ]


def test_depth() -> None:
    """Folders below the depth keep their size and are not opened."""
    assert draw(depth=1) == [
        "   2.0 MB  app (4 files)",
        "   2.0 MB  ├── assets/ (2 files)",
        "     20 B  ├── Dockerfile",
        "      0 B  ├── empty/ (0 files)",
        "      0 B  └── here\\nthere -> \\x1b[2J",
    ]


@pytest.mark.parametrize(
    ("width", "last"),
    [(2, "      0 B  └── 2 more"), (3, "      0 B  └── here\\nthere -> \\x1b[2J")],
)
def test_width(width: int, last: str) -> None:
    """The rest of a large folder is one line, unless it is one entry only."""
    lines = draw(depth=1, width=width)
    assert lines[-1] == last


def test_ascii() -> None:
    """A tree can be drawn without Unicode."""
    lines = list(tree_lines(build_tree(ENTRIES[:3]), "app", branches=ASCII_BRANCHES))
    assert lines == [
        "   2.0 MB  app (2 files)",
        "   2.0 MB  |-- assets/ (1 file)",
        "   2.0 MB  |   `-- big.bin",
        "     20 B  `-- Dockerfile",
    ]


def test_folders_that_are_only_parents() -> None:
    """A folder that is no entry of its own is drawn all the same."""
    tree = build_tree([Entry("a/b", EntryType.FILE, size=1)])
    assert [line.split("── ")[-1] for line in tree_lines(tree, "x")] == [
        "      1 B  x (1 file)",
        "a/ (1 file)",
        "b",
    ]


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join),
        st.integers(0, 10**6),
        max_size=12,
    )
)
def test_nothing_is_lost(files: dict[str, int]) -> None:
    """A tree without limits has a line for each path, and the sizes add up."""
    names = {
        path: size
        for path, size in files.items()
        if not any(other.startswith(path + "/") for other in files)
    }
    tree = build_tree(Entry(path, EntryType.FILE, size=size) for path, size in names.items())
    assert tree.size == sum(names.values())
    assert tree.files == len(names)
    parents = {path[:cut] for path in names for cut, char in enumerate(path) if char == "/"}
    assert len(list(tree_lines(tree, "x"))) == 1 + len(names) + len(parents)
