"""Archives that ADD unpacks."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from itertools import count

import pytest

from imagebuilders.evaluation.daemon import BUILDKITD, CONTAINERD_ENGINE, Daemon
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.trees import folder_of, tree_of
from imagebuilders.evaluation.unpacking import is_archive, unpack
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File, Tree
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.members import Member

_NOW = 10**18


def _archive(*members: Member, pack: Callable[[bytes], bytes] = bytes) -> File:
    return File("file", data=pack(b"".join(write_layer(members))))


def _file(name: str, data: bytes = b"x", uid: int = 5) -> Member:
    return Member(name, File("file", 0o640, uid, 6, mtime=9, data=data), size=len(data))


def _folder(name: str, mode: int = 0o700) -> Member:
    return Member(f"{name}/", File("dir", mode, 5, 6, mtime=8))


def _unpacked(
    archive: File,
    target: str = "/x",
    tree: Tree | None = None,
    owner: tuple[int, int] | None = None,
    daemon: Daemon = BUILDKITD,
) -> Tree:
    files = FileSystem(folder_of(tree or {}), count(_NOW).__next__)
    unpack(archive, files, target, owner, daemon)
    return {
        path: file._replace(content=None, data=b"".join(file.pieces()))
        for path, file in tree_of(files.tree).items()
    }


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_archives_are_known_by_what_is_in_them(pack: Callable[[bytes], bytes]) -> None:
    """Compressed or not, whatever their names are."""
    assert is_archive(_archive(_file("a"), pack=pack))


@pytest.mark.parametrize(
    "data",
    [b"", b"text", gzip.compress(b"text", mtime=0), bytes(1024), bytes(10)],
    ids=["empty", "text", "compressed text", "the end of an archive", "zeros"],
)
def test_other_files_are_no_archives(data: bytes) -> None:
    """Nor is an archive with nothing in it."""
    assert not is_archive(File("file", data=data))
    assert not is_archive(File("symlink", link="x"))


def test_entries_keep_owner_mode_and_time() -> None:
    """Folders that the archive only implies belong to root and have mode 0755."""
    tree = _unpacked(_archive(_folder("d"), _file("d/f"), _file("e/g")))
    assert tree["x/d"] == File("dir", 0o700, 5, 6, mtime=8)
    assert tree["x/d/f"] == File("file", 0o640, 5, 6, mtime=9, data=b"x")
    assert (tree["x/e"].mode, tree["x/e"].uid, tree["x/e"].mtime) == (0o755, 0, _NOW // 10**9)


def test_an_owner_counts_for_entries_and_the_destination() -> None:
    """Implied folders stay root's."""
    tree = _unpacked(_archive(_folder("d"), _file("e/g")), owner=(1, 2))
    owners = {path: (file.uid, file.gid) for path, file in tree.items()}
    assert owners == {"x": (1, 2), "x/d": (1, 2), "x/e": (0, 0), "x/e/g": (1, 2)}


def test_entries_replace_what_is_there() -> None:
    """Folders are merged, all else gives way, folders with what is in them included."""
    there: Tree = {
        "x/d": File("dir", 0o755),
        "x/d/old": File("file"),
        "x/f": File("dir", 0o755),
        "x/f/gone": File("file"),
        "x/l": File("symlink", link="/x/d"),
    }
    tree = _unpacked(_archive(_folder("d"), _file("f"), _folder("l"), _file("l/in")), tree=there)
    assert set(tree) == {"x", "x/d", "x/d/old", "x/f", "x/l", "x/l/in"}
    assert tree["x/d"].mode == 0o700
    assert (tree["x/f"].kind, tree["x/l"].kind) == ("file", "dir")


def test_links_on_the_way_are_followed_below_the_destination() -> None:
    """An absolute link begins at the destination, none leads out of it."""
    there: Tree = {
        "x/real": File("dir", 0o755),
        "x/l": File("symlink", link="/real"),
        "x/up": File("symlink", link="../../.."),
    }
    tree = _unpacked(_archive(_file("l/a"), _file("up/b")), tree=there)
    assert {"x/real/a", "x/b"} <= set(tree)
    assert "b" not in tree


def test_links_that_do_not_end() -> None:
    """They are an error."""
    archive = _archive(Member("l", File("symlink", link="l")), _file("l/x"))
    with pytest.raises(EvaluationError, match="too many levels of symbolic links"):
        _unpacked(archive)


def test_hard_links_and_their_entry() -> None:
    """Both names are one file, which has the mode, owner and time of the later entry."""
    link = Member("b", File("file", 0o600, 1, 2, mtime=3), hard_link="a")
    tree = _unpacked(_archive(_file("a"), link))
    assert tree["x/a"] == tree["x/b"]
    assert tree["x/a"].inode
    assert (tree["x/a"].mode, tree["x/a"].uid, tree["x/a"].mtime) == (0o600, 1, 3)
    lost = _archive(Member("b", File("file"), hard_link="none"))
    with pytest.raises(EvaluationError, match="link /none /b: no such file"):
        _unpacked(lost)
    with pytest.raises(EvaluationError, match="linkat none b: no such file"):
        _unpacked(lost, daemon=CONTAINERD_ENGINE)


def test_entries_outside_the_destination() -> None:
    """BuildKit 0.32 puts them into it, Docker 28.5 refuses them."""
    archive = _archive(_file("../evil"))
    assert set(_unpacked(archive)) == {"x", "x/evil"}
    with pytest.raises(EvaluationError, match=r'invalid entry name "\.\./evil"'):
        _unpacked(archive, daemon=CONTAINERD_ENGINE)


def test_times_before_1970_become_0() -> None:
    """As the daemon sets them."""
    early = Member("a", File("file", mtime=-5))
    assert _unpacked(_archive(early, Member("d/", File("dir", mtime=-5))))["x/a"].mtime == 0


def test_broken_archives() -> None:
    """One that ends too early is told in the daemon's words; so is a destination that is a file."""
    archive = _archive(_file("a", bytes(5000)))
    with pytest.raises(EvaluationError, match="unexpected EOF"):
        _unpacked(File("file", data=archive.data[:2000]))
    with pytest.raises(EvaluationError, match="mkdir /x: not a directory"):
        _unpacked(archive, tree={"x": File("file")})


def test_names_of_whiteouts_mean_nothing() -> None:
    """They are unpacked as they are."""
    assert "x/.wh.a" in _unpacked(_archive(_file("a"), _file(".wh.a")))


def test_entries_below_files() -> None:
    """What should stand in something that is no folder is an error."""
    for member, words in (
        (_file("a/b"), "open /a/b"),
        (_folder("a/b"), "mkdir /a/b"),
        (Member("a/b", File("symlink", link="c")), "symlink c /a/b"),
        (Member("a/b", File("fifo")), "mknod /a/b"),
        (Member("a/b", File("file"), hard_link="a"), "link /a /a/b"),
    ):
        with pytest.raises(EvaluationError, match=f"{words}: not a directory"):
            _unpacked(_archive(_file("a"), member))


def test_folders_that_are_links_to_nothing() -> None:
    """An engine makes what they lead to; buildkitd does not look there."""
    archive = _archive(Member("ln", File("symlink", link="/d/e")), _file("ln/f"))
    assert "x/d/e/f" in _unpacked(archive, daemon=CONTAINERD_ENGINE)
    with pytest.raises(EvaluationError, match="open /ln/f: no such file"):
        _unpacked(archive)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ((_folder("d"), Member("d", File("symlink", link="no"))), "chtimesat d: no such file"),
        ((_folder("d/e"), _file("d")), "chtimesat d/e: not a directory"),
        ((_file("a"), Member("h", File("file"), hard_link="a/b")), "linkat a/b h: not a directory"),
        ((Member("l", File("symlink", link="l")), _file("l/f")), "statat l: too many levels"),
        ((Member("l", File("symlink", link="../..")), _file("l/f")), "statat l: path escapes"),
        ((_file("a"), Member("h", File("file"), hard_link="../a")), "invalid hardlink target"),
    ],
)
def test_words_of_an_engine(members: tuple[Member, ...], words: str) -> None:
    """Of folders that are none any more when they get their times, and of links."""
    with pytest.raises(EvaluationError, match=words):
        _unpacked(_archive(*members), daemon=CONTAINERD_ENGINE)


def test_links_above_the_root() -> None:
    """An engine refuses relative ones; an absolute one leads to the root at the highest."""
    archive = _archive(Member("l", File("symlink", link="/../d")), _folder("d"), _file("l/f"))
    assert "x/d/f" in _unpacked(archive, daemon=CONTAINERD_ENGINE)
    link = Member("h", File("file"), hard_link="l/none")
    archive = _archive(Member("l", File("symlink", link="..")), link)
    with pytest.raises(EvaluationError, match=r"^statat l: path escapes from parent$"):
        _unpacked(archive, daemon=CONTAINERD_ENGINE)
    with pytest.raises(EvaluationError, match=r"^link /l/none /h: no such file or directory$"):
        _unpacked(archive)


def test_folders_that_an_archive_implies_have_no_group_bit() -> None:
    """Their group is that of the folder above, whose bit they do not take over."""
    tree = _unpacked(_archive(_file("d/f")), tree={"x": File("dir", 0o2755, gid=50)})
    assert (tree["x/d"].mode, tree["x/d"].gid) == (0o755, 50)


def test_links_have_no_mode() -> None:
    """Whatever the archive says."""
    archive = _archive(Member("l", File("symlink", 0o600, link="a")))
    assert _unpacked(archive)["x/l"].mode == 0o777
