"""What sources name, and what is missing."""

from __future__ import annotations

import pytest

from imagebuilders.evaluation.daemon import Daemon
from imagebuilders.evaluation.selection import (
    check_source,
    matching,
    uncovered,
)
from imagebuilders.evaluation.steps import (
    Copy,
    Lines,
    PathSource,
)
from imagebuilders.evaluation.trees import folder_of
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File

_DAEMON = Daemon(ref="R")
_TREE = folder_of(
    {
        "a.txt": File("file"),
        "b.txt": File("file"),
        ".hidden": File("file"),
        "d/a.txt": File("file"),
        "d/e/c.txt": File("file"),
        "link": File("symlink", link="d"),
        "broken": File("symlink", link="none"),
        "loop": File("symlink", link="loop"),
    }
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a.txt", ["a.txt"]),
        ("/", [""]),
        ("/*.txt", ["a.txt", "b.txt"]),
        ("/*", [".hidden", "a.txt", "b.txt", "broken", "d", "link", "loop"]),
        ("/?.txt", ["a.txt", "b.txt"]),
        ("/[^a].txt", ["b.txt"]),
        ("/*/a.txt", ["d/a.txt"]),
        ("/**/c.txt", []),
        ("/d/*", ["d/a.txt", "d/e"]),
        ("/link/*.txt", ["d/a.txt"]),
        ("/a.txt/*", []),
        ("/none*", []),
        ("/[", []),
        ("/[a", []),
        ("/d/../*.txt", ["a.txt", "b.txt"]),
    ],
)
def test_wildcards(path: str, expected: list[str]) -> None:
    """Matching files and folders in order; links before the wildcard are followed."""
    assert matching(_TREE, path, _DAEMON) == expected


def test_folders_before_a_wildcard_must_be_there() -> None:
    """The words of the daemon, which walks there."""
    with pytest.raises(EvaluationError, match="lstat /none: no such file or directory"):
        matching(_TREE, "/none/*", _DAEMON)


_WORDS = "failed to compute cache key: failed to calculate checksum of ref R: "


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/a.txt", ""),
        ("/link/a.txt", ""),
        ("/none", '"/none": not found'),
        ("/broken", '"/broken": not found'),
        ("/a.txt/x", '"/a.txt/x": not found'),
        ("/loop", "too many links"),
        ("/none*", ""),
        ("/none/*", ""),
        ("/br*", '"/broken": not found'),
        ("/[a", "syntax error in pattern"),
        ("/none/[a", ""),
    ],
)
def test_what_is_checked_first(path: str, error: str) -> None:
    """What is missing is found when the key of a step is computed, but for wildcards."""
    if not error:
        check_source(_TREE, path, _DAEMON)
        return
    with pytest.raises(EvaluationError) as caught:
        check_source(_TREE, path, _DAEMON)
    assert caught.value.message == _WORDS + error


@pytest.mark.parametrize(
    ("path", "excludes", "error"),
    [
        ("/none", ["x"], ""),
        ("/none/x", ["x"], ""),
        ("/broken", ["x"], '"/broken": not found'),
        ("/broken", ["broken"], '"/broken": not found'),
        ("/broken", ["*"], ""),
        ("/br*", ["x"], '"/broken": not found'),
        ("/br*", ["*"], ""),
        ("/", ["x", "loop"], '"/broken": not found'),
        ("/", ["broken", "loop"], ""),
        ("/", ["loop"], '"/broken": not found'),
        ("/d", ["x"], ""),
        ("/d", ["[x"], "invalid excludepatterns: [[x]: syntax error in pattern"),
        ("/d", ["!"], 'invalid excludepatterns: [!]: illegal exclusion pattern: "!"'),
    ],
)
def test_excluding_sources_are_checked_when_they_are_copied(
    path: str, excludes: list[str], error: str
) -> None:
    """With `--exclude`, only links that are named and lead nowhere are found at first."""
    if not error:
        check_source(_TREE, path, _DAEMON, excludes=excludes)
        return
    with pytest.raises(EvaluationError) as caught:
        check_source(_TREE, path, _DAEMON, excludes=excludes)
    assert caught.value.message == _WORDS + error


@pytest.mark.parametrize(
    ("path", "include", "required", "error"),
    [
        ("/", "d/e/c.txt", "/d/e/c.txt", ""),
        ("/", "d/e", "/d/e", ""),
        ("/", "d/x", "/d/x", '"/d/x": not found'),
        ("/", "link/a.txt", "/link/a.txt", '"/link/a.txt": not found'),
        ("/", "", "/", '"/": not found'),
        ("/d", "e/c.txt", "/d/e/c.txt", ""),
        ("/none", "x", "/none/x", '"/none/x": not found'),
        ("/", "x*", "", ""),
        ("/none", "", "", ""),
        ("/", "br*", "", '"/broken": not found'),
        ("/", "broken", "/broken", '"/broken": not found'),
        ("/", "l*k", "", ""),
        ("/link", "a.txt", "/link/a.txt", '"/link/a.txt": not found'),
    ],
)
def test_parents(path: str, include: str, required: str, error: str) -> None:
    """With `--parents` paths without wildcards have to be there, and targets of links."""
    if not error:
        check_source(_TREE, path, _DAEMON, include=include, required=required)
        return
    with pytest.raises(EvaluationError) as caught:
        check_source(_TREE, path, _DAEMON, include=include, required=required)
    assert caught.value.message == _WORDS + error


def _copy(*paths: str, **fields: object) -> Copy:
    return Copy(
        lines=Lines(1, 1),
        created_by="",
        sources=tuple(PathSource(path, path) for path in paths),
        destination="/",
        **fields,  # type: ignore[arg-type]
    )


def test_sources_in_other_sources_are_not_checked() -> None:
    """A folder covers what is in it."""
    sources = _copy("/", "/missing").sources
    assert [s.written for s in uncovered([s for s in sources if isinstance(s, PathSource)])] == [
        "/"
    ]
    others = [PathSource(path, path) for path in ("/d", "/d/x", "/dd", "/d/*")]
    assert [source.path for source in uncovered(others)] == ["/d", "/dd", "/d/*"]
