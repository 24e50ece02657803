"""COPY's rules of destinations, links, modes, owners and patterns."""

from __future__ import annotations

from itertools import count

import pytest

from imagebuilders.evaluation.copying import CopyOptions, compile_patterns, copy
from imagebuilders.evaluation.daemon import BUILDKITD, GRAPH_ENGINE, Daemon
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.symbolic_mode import SymbolicMode
from imagebuilders.evaluation.trees import Folder, folder_of, tree_of
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File, Tree

_NOW = 10**18


def _file(data: bytes = b"", mode: int = 0o644, inode: int = 0) -> File:
    return File("file", mode, mtime=1, data=data, inode=inode)


def _folder(mode: int = 0o755, mtime: int = 1) -> File:
    return File("dir", mode, mtime=mtime)


def _link(target: str) -> File:
    return File("symlink", 0o777, mtime=1, link=target)


_SOURCE = folder_of(
    {
        "f": _file(b"f"),
        "dir": _folder(0o750, 5),
        "dir/a": _file(b"a", 0o600),
        "dir/sub": _folder(0o700, 6),
        "dir/sub/b.md": _file(b"b"),
        "to-f": _link("f"),
        "to-dir": _link("/dir"),
        "dangling": _link("none"),
        "loop": _link("loop"),
    }
)
_TARGET: Tree = {
    "opt": _folder(0o711),
    "opt/file": _file(b"old"),
    "opt/full": _folder(),
    "opt/full/one": _file(b"1"),
    "data": _link("/srv/data"),
    "srv": _folder(),
    "srv/data": _folder(0o700),
    "filelink": _link("opt/file"),
    "nowhere": _link("/no/such"),
    "up": _link("../../../srv"),
    "loop": _link("loop"),
}


def _copied(
    path: str,
    target: str,
    options: CopyOptions = CopyOptions(),  # noqa: B008 - a frozen value
    *,
    tree: Tree = _TARGET,
    source: Folder = _SOURCE,
    daemon: Daemon = BUILDKITD,
) -> Tree:
    """Return what is new or other behind a copy."""
    before = folder_of(tree)
    files = FileSystem(before, count(_NOW).__next__)
    copy(source, path, files, target, options, daemon)
    return {
        path: file
        for path, file in tree_of(files.tree).items()
        if tree.get(path) != file and (file.kind != "dir" or path not in tree)
    }


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("f", "/x", {"x"}),
        ("f", "/x/", {"x", "x/f"}),
        ("f", "/x/y/z", {"x", "x/y", "x/y/z"}),
        ("f", "/x/.", {"x", "x/f"}),
        ("f", "/opt", {"opt/f"}),
        ("f", "/opt/file", {"opt/file"}),
        ("f", "/", {"f"}),
        ("f", "/data", {"srv/data/f"}),
        ("f", "/data/n", {"srv/data/n"}),
        ("f", "/filelink", {"opt/file"}),
        ("f", "/nowhere", {"no", "no/such"}),
        ("f", "/nowhere/", {"no", "no/such", "no/such/f"}),
        ("f", "/up/n", {"srv/n"}),
        ("dir", "/x", {"x", "x/a", "x/sub", "x/sub/b.md"}),
        ("dir", "/x/", {"x", "x/a", "x/sub", "x/sub/b.md"}),
        ("dir", "/opt/full", {"opt/full/a", "opt/full/sub", "opt/full/sub/b.md"}),
        ("dir", "/data", {"srv/data/a", "srv/data/sub", "srv/data/sub/b.md"}),
        ("to-f", "/x", {"x"}),
        ("to-f", "/x/", {"x", "x/to-f"}),
        ("to-dir", "/x", {"x", "x/a", "x/sub", "x/sub/b.md"}),
        ("to-dir/a", "/x", {"x"}),
        ("dir/../f", "/x", {"x"}),
    ],
)
def test_destinations(path: str, target: str, expected: set[str]) -> None:
    """What a copy writes, links of source and destination followed within their roots."""
    assert set(_copied(path, target)) == expected


@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        ("f", "/opt/file/", "mkdir /opt/file: not a directory"),
        ("f", "/opt/file/x", "mkdir /opt/file: not a directory"),
        ("f", "/opt/file/x/y", "lstat /opt/file/x: not a directory"),
        ("dir", "/opt/file", "mkdir /opt/file: not a directory|non-directory: MOUNT/opt/file"),
        ("none", "/x", "lstat /none: no such file or directory"),
        ("f/x", "/x", "lstat /f/x: not a directory"),
        ("dangling", "/x", "lstat /none: no such file or directory"),
        ("loop", "/x", "too many links"),
        ("f", "/loop", "too many links"),
        ("f", "/loop/x", "too many links"),
    ],
)
def test_what_cannot_be_copied(path: str, target: str, message: str) -> None:
    """The words of the daemon."""
    with pytest.raises(EvaluationError, match=message):
        _copied(path, target, daemon=Daemon(mount="MOUNT"))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"x": _folder(), "x/a": _folder()}, "cannot replace to directory M/x/a with file"),
        ({"x": _folder(), "x/sub": _file()}, "cannot copy to non-directory: M/x/sub"),
        ({"x": _folder(), "x/sub": _link("/")}, "cannot copy to non-directory: M/x/sub"),
    ],
)
def test_kinds_that_do_not_fit(tree: Tree, message: str) -> None:
    """In a copied folder no file replaces a folder, and no folder anything else."""
    with pytest.raises(EvaluationError, match=message):
        _copied("dir", "/x", tree=tree, daemon=Daemon(mount="M"))


def test_files_replace_links_in_a_copied_folder() -> None:
    """Only the way to the destination is followed."""
    copied = _copied("dir", "/x", tree={"x": _folder(), "x/a": _link("/f"), "f": _file(b"keep")})
    assert copied["x/a"] == _file(b"a", 0o600)
    assert "f" not in copied


def test_modes_and_times_of_folders() -> None:
    """A new destination has mode 0755, folders in it are as they were; both have their times."""
    copied = _copied("dir", "/x")
    assert copied["x"] == File("dir", 0o755, mtime=5)
    assert copied["x/sub"] == File("dir", 0o700, mtime=6)


def test_a_destination_keeps_its_mode_but_not_its_time() -> None:
    """Folders below it get mode and time of those that are copied."""
    files = FileSystem(
        folder_of({"x": File("dir", 0o711, 3, 3), "x/sub": File("dir", 0o777, 4, 4)}),
        count(_NOW).__next__,
    )
    copy(_SOURCE, "dir", files, "/x", CopyOptions(), BUILDKITD)
    tree = tree_of(files.tree)
    assert tree["x"] == File("dir", 0o711, 3, 3, mtime=5)
    assert tree["x/sub"] == File("dir", 0o700, 0, 0, mtime=6)


def test_folders_on_the_way() -> None:
    """They belong to `--chown` and get an octal `--chmod`, without its special bits."""
    options = CopyOptions(owner=(5, 6), mode=0o4760)
    copied = _copied("f", "/x/y/", options)
    assert (copied["x"].mode, copied["x"].uid, copied["x"].gid) == (0o760, 5, 6)
    assert (copied["x/y/f"].mode, copied["x/y/f"].uid, copied["x/y/f"].gid) == (0o4760, 5, 6)
    assert copied["x"].mtime == _NOW // 10**9


def test_folders_on_the_way_under_the_umask_of_dockerd() -> None:
    """Docker's daemon takes write permissions from folders that are made on the way."""
    copied = _copied("f", "/x/f", CopyOptions(mode=0o777), daemon=GRAPH_ENGINE)
    assert (copied["x"].mode, copied["x/f"].mode) == (0o755, 0o777)


def test_symbolic_modes() -> None:
    """They change files and folders that are copied, not those on the way, and no links."""
    options = CopyOptions(symbolic_mode=SymbolicMode.parse("go=u"))
    copied = _copied("dir", "/x/y", options)
    assert {path: oct(file.mode) for path, file in copied.items()} == {
        "x": "0o755",
        "x/y": "0o755",
        "x/y/a": "0o666",
        "x/y/sub": "0o777",
        "x/y/sub/b.md": "0o666",
    }


def test_owner_minus_one_leaves_root() -> None:
    """The system takes this number for no change."""
    copied = _copied("f", "/x/f", CopyOptions(owner=(2**32 - 1, 7)))
    assert [(file.uid, file.gid) for file in copied.values()] == [(0, 7), (0, 7)]


def test_excluded_files() -> None:
    """Patterns are relative to the copied folder, and mean nothing for a single file."""
    exclude = compile_patterns(["sub/*.md", "f"], "excludepatterns")
    assert set(_copied("dir", "/x", CopyOptions(exclude=exclude))) == {"x", "x/a", "x/sub"}
    assert set(_copied("f", "/x", CopyOptions(exclude=exclude))) == {"x"}


def test_an_excluded_path_that_begins_with_a_slash() -> None:
    """It hits nothing, whatever it is an exception of."""
    for pattern in ("/f", " /f", "!/f", "! /f"):
        exclude = compile_patterns([pattern], "excludepatterns")
        assert set(_copied("f", "/x", CopyOptions(exclude=exclude))) == {"x"}
    exclude = compile_patterns(["*", "!/sub", "/a"], "excludepatterns")
    assert set(_copied("dir", "/x", CopyOptions(exclude=exclude))) == {"x"}
    with pytest.raises(EvaluationError, match=r"invalid excludepatterns: \[/\[\]"):
        compile_patterns(["/["], "excludepatterns")


def test_excluded_folders_with_exceptions() -> None:
    """An excluded folder is made only if something in it is kept."""
    keeping = compile_patterns(["sub", "!sub/b.md"], "excludepatterns")
    copied = _copied("dir", "/x", CopyOptions(exclude=keeping))
    assert set(copied) == {"x", "x/a", "x/sub", "x/sub/b.md"}
    assert copied["x/sub"].mtime == _NOW // 10**9
    losing = compile_patterns(["sub", "!sub/none"], "excludepatterns")
    assert set(_copied("dir", "/x", CopyOptions(exclude=losing))) == {"x", "x/a"}


def test_included_files_keep_their_folders() -> None:
    """`--parents`: what matches is copied with the folders above it."""
    include = compile_patterns(["dir/sub/*"], "excludepatterns")
    copied = _copied("/", "/x/", CopyOptions(include=include))
    assert set(copied) == {"x", "x/dir", "x/dir/sub", "x/dir/sub/b.md"}
    assert copied["x/dir"].mode == 0o750


def test_hard_links_stay_links() -> None:
    """Of files that are one in the source, the copies are one, and another one."""
    linked = _file(b"x", inode=77)
    source = folder_of({"d/a": linked, "d/b": linked, "d/c": _file(b"x", inode=78)})
    copied = _copied("d", "/x", source=source)
    assert copied["x/a"].inode == copied["x/b"].inode != copied["x/c"].inode
    assert copied["x/a"].inode not in (0, 77)
