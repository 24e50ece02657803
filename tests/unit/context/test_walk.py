"""The walk over a real tree."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from imagebuilders.context.entries import EntryType, context_name, disk_name, encode_path
from imagebuilders.context.inspection import inspect
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.walk import select, walk
from imagebuilders.exceptions import BuildContextError, ContextChangedError

MakeTree = Callable[[Mapping[str, str | bytes | None]], Path]


def paths(root: Path, *lines: str) -> list[str]:
    """Give the selected paths, which are those that a walk looks at, too."""
    rules = IgnoreRules.compile(lines)
    found = [selected.path for selected in select(str(root), rules)]
    assert [entry.path for entry in walk(str(root), rules).entries()] == found
    return found


def test_order(make_tree: MakeTree) -> None:
    """Parents come first, and all of a directory before what sorts behind its name."""
    root = make_tree(
        {"a/b": "", "a-b": "", "a/b-c/d": "", "a.b": "", "B": "", "ü": "", "\U0001d4b3": ""}
    )
    (root / os.fsdecode(b"\xff")).touch()
    (root / "\ufffd").touch()
    found = paths(root)
    assert found == [
        "B",
        "a",
        "a/b",
        "a/b-c",
        "a/b-c/d",
        "a-b",
        "a.b",
        "ü",
        "\ufffd",
        "\U0001d4b3",
        "\udcff",
    ]
    assert found == sorted(found, key=lambda path: encode_path(path).split(b"/"))


def test_types(make_tree: MakeTree) -> None:
    """Files, directories and links are told apart; links are not followed, loops do no harm."""
    root = make_tree({"d/f": "", "loop": "-> .", "dangling": "-> nowhere", "to_d": "-> d"})
    found = {item.path: item.type for item in select(str(root), IgnoreRules())}
    link = EntryType.LINK
    assert found == {
        "d": EntryType.DIRECTORY, "d/f": EntryType.FILE,
        "dangling": link, "loop": link, "to_d": link,
    }  # fmt: skip
    assert inspect("loop", str(root / "loop")).target == "."


def test_excluded_parents_are_listed(make_tree: MakeTree) -> None:
    """The parents of what is kept are listed, other dropped directories are not."""
    root = make_tree({"a/b/x": "", "a/c/y": "", "d/e": "", "empty": None, "a/z": ""})
    assert paths(root, "*", "!a/b/x", "!a/z", "!empty") == ["a", "a/b", "a/b/x", "a/z", "empty"]
    assert paths(root, "**", "!**/y") == ["a", "a/c", "a/c/y"]


_NAMES = st.sampled_from("ab")
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_LINES = st.tuples(
    st.sampled_from(["", "!"]),
    _PATHS | st.sampled_from(["*", "**", "**/a", "a/*", "*/b", "a/**/b", "**/a/b"]),
).map("".join)


@given(st.sets(_PATHS, max_size=6), st.lists(_LINES, max_size=4))
def test_a_walk_looks_at_what_is_selected(files: set[str], lines: list[str]) -> None:
    """Whatever the rules leave out and take in again, and whatever folders are empty then."""
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            place = Path(folder, path)
            if not any(each.startswith(f"{path}/") for each in files):
                place.parent.mkdir(parents=True, exist_ok=True)
                if path.endswith("b/b"):
                    place.mkdir(exist_ok=True)  # an empty folder
                else:
                    place.touch()
        paths(Path(folder), *lines)


def test_unopened(make_tree: MakeTree, mocker: MockerFixture) -> None:
    """A directory in which nothing can be kept is never opened."""
    root = make_tree({"a/b/x": "", "c/d/y": ""})
    scanned = mocker.spy(os, "scandir")
    assert list(select(str(root), IgnoreRules.compile(["a", "c", "!c/d/z"]))) == []
    opened = [os.path.relpath(call.args[0], root) for call in scanned.call_args_list]
    assert opened == [".", "c", "c/d"]


def test_root_is_followed(make_tree: MakeTree, tmp_path: Path) -> None:
    """The root may be a symbolic link."""
    root = make_tree({"a": ""})
    (tmp_path / "link").symlink_to(root)
    assert paths(tmp_path / "link") == ["a"]


def test_missing_root(tmp_path: Path) -> None:
    """A root that does not exist is named."""
    with pytest.raises(BuildContextError, match="does not exist") as caught:
        paths(tmp_path / "none")
    assert caught.value.path == str(tmp_path / "none")


def test_root_is_a_file(tmp_path: Path) -> None:
    """So is a root that is a file."""
    (tmp_path / "f").touch()
    with pytest.raises(BuildContextError, match="is no directory"):
        paths(tmp_path / "f")


def test_too_long_a_path(tmp_path: Path) -> None:
    """A path that the system refuses is an error that says why."""
    with pytest.raises(BuildContextError, match=r"root .* cannot be read: File name too long"):
        paths(tmp_path / ("a" * 300))


def special_files(root: Path) -> dict[str, str]:
    """Make a FIFO and a socket; give the words for each."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        # The address of a socket is short, so it is bound from inside the folder.
        before = os.getcwd()
        os.chdir(root)
        try:
            server.bind("sock")
        finally:
            os.chdir(before)
    return {"pipe": r"a named pipe \(FIFO\)", "sock": "a socket"}


def test_special_files(tmp_path: Path) -> None:
    """FIFOs and sockets are named, with the line that excludes them; excluded, they do no harm."""
    for name, words in special_files(tmp_path).items():
        other = {"pipe": "sock", "sock": "pipe"}[name]
        with pytest.raises(BuildContextError, match=f"{name} is {words}.*'{name}'") as caught:
            paths(tmp_path, other)
        assert caught.value.path == str(tmp_path / name)
        with pytest.raises(BuildContextError, match=words):
            inspect(name, str(tmp_path / name))
    assert paths(tmp_path, "pipe", "sock") == []


def test_device() -> None:
    """A device is named too."""
    with pytest.raises(BuildContextError, match="is a character device"):
        inspect("null", "/dev/null")


def test_special_file_that_vanishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A special file that is gone when it is asked what it is, is still an error."""
    os.mkfifo(tmp_path / "pipe")
    scandir = os.scandir

    class Gone:
        def __init__(self, path: str) -> None:
            self.path, self.name = path, os.path.basename(path)

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            return False

        is_file = is_dir

        def is_symlink(self) -> bool:
            return False

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise FileNotFoundError

    class Scan:
        def __init__(self, path: str) -> None:
            with scandir(path) as scan:
                self.found = [Gone(found.path) for found in scan]

        def __enter__(self) -> list[Gone]:
            return self.found

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Scan)
    with pytest.raises(BuildContextError, match="pipe is no file"):
        paths(tmp_path)


def refuse(mocker: MockerFixture, name: str, error: OSError) -> None:
    """Let `os.scandir` fail on a folder: a test that runs as root may read everything."""
    scandir = os.scandir

    def scan(path: str) -> object:
        if os.path.basename(path) == name:
            raise error
        return scandir(path)

    mocker.patch("os.scandir", side_effect=scan)


def test_unreadable_folder(make_tree: MakeTree, mocker: MockerFixture) -> None:
    """A kept directory that cannot be read is an error, a dropped one is passed over."""
    root = make_tree({"a/x": "", "b": ""})
    refuse(mocker, "a", PermissionError(13, "Permission denied"))
    with pytest.raises(BuildContextError, match=r"a cannot be read: Permission denied.*'a'"):
        paths(root)
    assert paths(root, "a", "!**/x") == ["b"]


def test_no_descriptors_are_left(make_tree: MakeTree, mocker: MockerFixture) -> None:
    """The advice is about the limit, not about a folder that can be read."""
    root = make_tree({"a/x": ""})
    refuse(mocker, "a", OSError(errno.EMFILE, "Too many open files"))
    with pytest.raises(BuildContextError, match=r"a cannot be read: .*Raise the limit .*ulimit"):
        paths(root)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "gone"), "vanished"),
        (NotADirectoryError(20, "file"), "was replaced"),
        (OSError(errno.ELOOP, "link"), "was replaced"),
    ],
)
def test_vanished_folder(
    make_tree: MakeTree, mocker: MockerFixture, error: OSError, words: str
) -> None:
    """A directory that vanishes, or becomes a file or link, says that the context changed."""
    root = make_tree({"a/x": ""})
    refuse(mocker, "a", error)
    with pytest.raises(ContextChangedError, match=f"a {words}") as caught:
        paths(root)
    assert caught.value.path == str(root / "a")


def test_vanished_file(tmp_path: Path) -> None:
    """A file that vanished before it was looked at says that the context changed."""
    with pytest.raises(ContextChangedError, match="vanished"):
        inspect("x", str(tmp_path / "x"))


def test_unreadable_path(tmp_path: Path) -> None:
    """Any other failure to look at a path is an error that says why."""
    with pytest.raises(BuildContextError, match="File name too long"):
        inspect("x", str(tmp_path / ("x" * 300)))


def test_link_that_vanishes(make_tree: MakeTree, mocker: MockerFixture) -> None:
    """So is a link that vanishes before it is read."""
    root = make_tree({"l": "-> x"})

    mocker.patch("os.readlink", side_effect=FileNotFoundError(2, "gone"))
    with pytest.raises(ContextChangedError, match="vanished"):
        inspect("l", str(root / "l"))


def test_implied_directory() -> None:
    """A path without a place on disk is a directory."""
    assert inspect("a", None).type is EntryType.DIRECTORY


def test_odd_names(make_tree: MakeTree) -> None:
    """Line feeds, stray bytes and long paths come through as they are."""
    long = "/".join(["n" * 200] * 3)
    root = make_tree({"a\nb/c": "", long: ""})
    (root / os.fsdecode(b"\xfe\xff")).touch()
    found = paths(root, "*\n*", "!a?b")
    assert "a\nb/c" in found
    assert long in found
    assert "\udcfe\udcff" in found


def test_another_encoding(make_tree: MakeTree) -> None:
    """Where the file system's encoding is not UTF-8, names are the same bytes all the same."""
    root = make_tree({"ü/é": "x", "plain": "y", "l": "-> ü"})
    (root / os.fsdecode(b"\xff")).write_text("z")
    program = (
        "import sys\n"
        "from imagebuilders import BuildContext\n"
        "assert sys.getfilesystemencoding() != 'utf-8'\n"
        f"print(BuildContext({str(root)!r}).digest(use_cache=False))\n"
    )
    environment = {
        **os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    from imagebuilders import BuildContext

    assert done.stdout.strip() == BuildContext(str(root)).digest()


def test_disk_names() -> None:
    """Names go from the file system's encoding to the context's and back."""
    for name in ("a", "ü", "\udcff"):
        assert disk_name(context_name(name)) == name


def test_suggested_line_is_a_pattern(tmp_path: Path) -> None:
    """The line that an error suggests is a pattern for that very path."""
    os.mkfifo(tmp_path / "[x]")
    with pytest.raises(BuildContextError, match=r"the line '\\\[x\\\]'"):
        paths(tmp_path)
    assert paths(tmp_path, r"\[x\]") == []
