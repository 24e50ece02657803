"""Opening folders below a root, never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagebuilders import folder_opener as opener
from imagebuilders.folder_opener import FolderOpener


def names_in(folder: int) -> list[str]:
    """Return the names in an open folder."""
    return sorted(os.listdir(folder))


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/dev/fd"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with some below it, each with a file of its own name."""
    root = tmp_path / "folders"
    for path in ("a/b/c", "a/d", "e"):
        (root / path).mkdir(parents=True)
    for path in ("a", "a/b", "a/b/c", "a/d", "e"):
        (root / path / f"in-{path.replace('/', '-')}").touch()
    return root


def test_each_folder_is_the_one_asked_for(root: Path) -> None:
    """In any order, and again after a path that is not there."""
    with FolderOpener(str(root)) as folders:
        for path in ("a/b/c", "a/b", "a/d", "e", "a/b/c", "", "a", "a", "a/d"):
            expected = sorted(os.listdir(root / path))
            assert names_in(folders.folder(path)) == expected
            with pytest.raises(FileNotFoundError):
                folders.folder("a/b/none/c")
            assert names_in(folders.folder(path)) == expected


def test_everything_is_closed(root: Path) -> None:
    """On leaving, also after a failure."""
    before = open_descriptors()
    with FolderOpener(str(root)) as folders:
        folders.folder("a/b/c")
        with pytest.raises(OSError, match="none"):
            folders.folder("a/none")
        assert open_descriptors() > before
    assert open_descriptors() == before


@pytest.mark.parametrize("path", ["a", "a/b", "a/b/c"])
def test_no_link_is_followed(root: Path, path: str) -> None:
    """Wherever on the way it stands; the root itself may be one."""
    (root.parent / "root").symlink_to(root)
    with FolderOpener(str(root.parent / "root")) as folders:
        folders.folder("a/b/c")
        (root / path).rename(root / "moved")
        (root / path).symlink_to(root / "moved")
        folders.folder("e")
        with pytest.raises(OSError, match=r"Not a directory|symbolic link"):
            folders.folder("a/b/c")


def test_few_folders_are_open_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However deep the path, and the way back up is found all the same."""
    monkeypatch.setattr(opener, "MOST_OPEN", 3)
    deep = root
    for _ in range(20):
        deep /= "x"
        deep.mkdir()
        (deep / "y").mkdir()
    before = open_descriptors()
    with FolderOpener(str(root)) as folders:
        for depth in (*range(1, 21), *range(20, 0, -1), 20, 2, 15):
            path = "/".join(["x"] * depth)
            descriptor = folders.folder(path)
            assert os.path.samestat(os.fstat(descriptor), os.stat(root / path))
            assert open_descriptors() <= before + 5
            folders.folder(f"{path}/y")
    assert open_descriptors() == before


def test_a_path_that_none_can_have(root: Path) -> None:
    """A root with a null character is Python's own error, for the caller to translate."""
    with pytest.raises(ValueError, match="null"):
        FolderOpener("a\0b").folder("")
