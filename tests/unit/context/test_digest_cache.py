"""Remembered hashes: used when safe, and only then."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import pytest
from pytest_mock import MockerFixture

from imagebuilders.context import cache_file, digest_cache
from imagebuilders.context.cache_file import Block, CacheWriter, open_cache
from imagebuilders.context.digest_cache import DigestCache, cache_folder, limit_folder
from imagebuilders.context.folder import Folder
from imagebuilders.context.inspection import inspect
from imagebuilders.context.manifest import ContentHasher, manifest_of
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.tree import replace
from imagebuilders.context.walk import walk
from imagebuilders.exceptions import ContextChangedError

MakeTree = Callable[[Mapping[str, str | bytes | None]], Path]
LATER = 10 * 10**9


def later() -> int:
    """A clock that is far behind every change of the tree."""
    return time.time_ns() + LATER


class Tree:
    """A tree, and what digesting it reads."""

    def __init__(self, root: Path, folder: Path, mocker: MockerFixture) -> None:
        self.root = root
        self.folder = folder
        self._hashing = mocker.spy(ContentHasher, "content_hash")

    @property
    def read(self) -> list[str]:
        """The files that were read since `forget_reads`, or the last digest began."""
        return [call.args[1].path for call in self._hashing.call_args_list]

    def forget_reads(self) -> None:
        """Begin `read` anew."""
        self._hashing.reset_mock()

    def digest(
        self, *lines: str, now_ns: Callable[[], int] = later, ignore_file: str | None = None
    ) -> tuple[dict[str, str], list[str]]:
        """Return each file's hash, and which files were read for it, sorted."""
        self.forget_reads()
        root = walk(str(self.root), IgnoreRules.compile(lines))
        with DigestCache(self.folder, str(self.root), ignore_file, now_ns=now_ns) as cache:
            manifest = b"".join(manifest_of(root, cache)).decode("utf-8", "surrogateescape")
        return dict(re.findall(r"f \d{3} ([^\0]*)\0(\w{64})\0", manifest)), sorted(self.read)

    def files(self) -> list[Path]:
        """Give the cache's files."""
        return sorted(self.folder.iterdir())


@pytest.fixture
def tree(make_tree: MakeTree, tmp_path: Path, mocker: MockerFixture) -> Tree:
    """A small tree."""
    root = make_tree({"a": "1", "b/c": "2", "b/d/e": "3", "b/f": "4", "b-": "5", "z/y": "6"})
    return Tree(root, tmp_path / "hashes", mocker)


EXPECTED = {
    path: hashlib.sha256(content.encode()).hexdigest()
    for path, content in
    (("a", "1"), ("b/c", "2"), ("b/d/e", "3"), ("b/f", "4"), ("b-", "5"), ("z/y", "6"))
}  # fmt: skip


def test_unchanged(tree: Tree) -> None:
    """A second digest of an unchanged tree reads nothing and writes nothing."""
    assert tree.digest() == (EXPECTED, sorted(EXPECTED))
    before = tree.files()[0].read_bytes()
    assert tree.digest() == (EXPECTED, [])
    assert tree.files()[0].read_bytes() == before


@pytest.mark.parametrize("path", ["a", "b/c", "b/f", "z/y"])
def test_changed(tree: Tree, path: str) -> None:
    """Only the file that changed is read, whichever it is, and then it is known."""
    tree.digest()
    (tree.root / path).write_text("9")
    hashes, read = tree.digest()
    assert read == [path]
    assert hashes[path] == hashlib.sha256(b"9").hexdigest()
    assert tree.digest()[1] == []


def test_same_size_and_mtime(tree: Tree) -> None:
    """A change that keeps size and mtime is found by the time of the inode's change."""
    tree.digest()
    status = (tree.root / "a").stat()
    (tree.root / "a").write_text("9")
    os.utime(tree.root / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert tree.digest()[1] == ["a"]


def test_another_inode_and_mode(tree: Tree) -> None:
    """Another file in its place, or another mode, is another state."""
    tree.digest()
    (tree.root / "new").write_text("1")
    (tree.root / "new").replace(tree.root / "a")
    (tree.root / "b/c").chmod(0o755)
    assert tree.digest()[1] == ["a", "b/c"]


def test_another_file_system(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of a root on one file system is not believed on another."""
    tree.digest()
    root = walk(str(tree.root), IgnoreRules())
    root.states = root.states[:-1] + bytes((root.states[-1] ^ 1,))  # of b-, the device
    tree.forget_reads()
    with (
        DigestCache(tree.folder, str(tree.root), now_ns=later) as cache,
        pytest.raises(ContextChangedError, match="b- was replaced"),
    ):
        cache.records(root)
    assert tree.read == ["b-"]
    real = os.statvfs(tree.root)

    class Other:
        f_fsid = real.f_fsid + 1

    monkeypatch.setattr(os, "statvfs", lambda _path: Other)
    assert tree.digest()[1] == sorted(EXPECTED)


def test_gone_and_new(tree: Tree) -> None:
    """Files and folders come and go without a trace."""
    tree.digest()
    (tree.root / "b/d/e").unlink()
    (tree.root / "z/y").unlink()
    (tree.root / "new").write_text("n")
    assert tree.digest()[1] == ["new"]
    assert tree.digest()[1] == []
    with open_cache(tree.files()[0]) as reader:
        assert reader.folders == 2
        assert reader.block("b").names == b"c\0f\0"


def test_gone_only(tree: Tree) -> None:
    """When files only went away the cache is written anew, without them."""
    tree.digest()
    size = tree.files()[0].stat().st_size
    (tree.root / "z/y").unlink()
    assert tree.digest()[1] == []
    assert tree.files()[0].stat().st_size < size


def test_racy(tree: Tree) -> None:
    """A file that changed within the clock's grain of the digest is read again."""
    status = (tree.root / "a").stat()
    just_now = max(status.st_mtime_ns, status.st_ctime_ns) + digest_cache.FINE_GRAIN_NS
    assert "a" in tree.digest(now_ns=lambda: just_now)[1]
    assert "a" in tree.digest(now_ns=lambda: just_now)[1]
    assert "a" in tree.digest(now_ns=lambda: just_now + 1 + 10**9)[1]
    assert "a" not in tree.digest(now_ns=lambda: just_now + 1 + 10**9)[1]


def test_racy_on_a_coarse_clock(tree: Tree) -> None:
    """Where times are whole seconds, the grain is taken to be two."""
    future = (time.time_ns() // 10**9 + 1000) * 10**9
    os.utime(tree.root / "a", ns=(future, future))
    grain = digest_cache.COARSE_GRAIN_NS
    assert tree.digest(now_ns=lambda: future + grain)[1] == sorted(EXPECTED)
    assert tree.digest(now_ns=lambda: future + grain + 1)[1] == ["a"]
    assert tree.digest(now_ns=lambda: future + grain + 1)[1] == []


def test_rules_have_files_of_their_own(tree: Tree) -> None:
    """Two ignore files for one root do not make each other forget."""
    tree.digest()
    assert tree.digest("b", ignore_file="other")[1] == ["a", "b-", "z/y"]
    assert tree.digest()[1] == []
    assert tree.digest("b", ignore_file="other")[1] == []
    assert len(tree.files()) == 2


def test_added_content_is_not_remembered(tree: Tree) -> None:
    """Content given by hand is always read, also when it stands for a file on disk."""
    entry = inspect("a", str(tree.root / "a"))._replace(source=b"x")
    root = replace(Folder("", ""), entry)
    for _ in range(2):
        tree.forget_reads()
        with DigestCache(tree.folder, str(tree.root), now_ns=later) as cache:
            manifest = b"".join(manifest_of(root, cache))
        assert hashlib.sha256(b"x").hexdigest().encode() in manifest
        assert tree.read == ["a"]
    assert not tree.folder.exists()


def test_every_truncation(tree: Tree) -> None:
    """A cache file cut short anywhere is ignored and written anew."""
    tree.digest()
    path = tree.files()[0]
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert tree.digest() == (EXPECTED, sorted(EXPECTED))
        assert path.read_bytes() == whole
    path.write_bytes(whole)
    assert tree.digest()[1] == []


def test_every_damaged_byte(tree: Tree) -> None:
    """No single damaged byte makes a wrong hash or an error."""
    tree.digest()
    path = tree.files()[0]
    whole = path.read_bytes()
    for at in range(0, len(whole), 5):
        path.write_bytes(whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :])
        assert tree.digest()[0] == EXPECTED


@pytest.mark.parametrize(
    "content",
    [b"", b"SQLite format 3\0", Random(1).randbytes(5000)],
    ids=["empty", "database", "noise"],
)
def test_foreign(tree: Tree, content: bytes) -> None:
    """A foreign file is ignored and replaced."""
    tree.digest()
    tree.files()[0].write_bytes(content)
    assert tree.digest() == (EXPECTED, sorted(EXPECTED))
    assert tree.digest()[1] == []


def test_folder_in_its_place(tree: Tree) -> None:
    """A directory where the file should be is no error; nothing is remembered."""
    tree.digest()
    path = tree.files()[0]
    path.unlink()
    path.mkdir()
    for _ in range(2):
        assert tree.digest() == (EXPECTED, sorted(EXPECTED))
    assert tree.files() == [path]


def test_unwritable_folder(tree: Tree) -> None:
    """A cache that cannot be written is no error."""
    tree.folder.write_text("a file")
    for _ in range(2):
        assert tree.digest() == (EXPECTED, sorted(EXPECTED))


def test_failed_digest_writes_nothing(tree: Tree) -> None:
    """A digest that fails leaves the cache as it was, and no file behind."""
    tree.digest()
    (tree.root / "a").write_text("9")
    before = tree.files()

    def fail() -> None:
        with DigestCache(tree.folder, str(tree.root), now_ns=later) as cache:
            for _ in manifest_of(walk(str(tree.root), IgnoreRules()), cache):
                pass
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert tree.files() == before


def test_full_disk(tree: Tree, mocker: MockerFixture) -> None:
    """A disk that is full in the middle is no error either."""
    full = OSError(28, "No space left on device")
    mocker.patch.object(CacheWriter, "add", side_effect=full)
    assert tree.digest() == (EXPECTED, sorted(EXPECTED))
    assert tree.files() == []


def test_failing_read(tree: Tree, mocker: MockerFixture) -> None:
    """A cache file that cannot be read on is as good as none."""
    tree.digest()
    with open_cache(tree.files()[0]) as reader:
        assert reader.block("nothing") == Block()
        assert reader.block("b").names
        mocker.patch("os.pread", side_effect=OSError(5, "Input/output error"))
        assert reader.block("b") == Block()


def test_bounded_file(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file does not grow beyond its bound; what does not fit is read."""
    monkeypatch.setattr(cache_file, "MAX_FILE_SIZE", 300)
    tree.digest()
    assert tree.files()[0].stat().st_size <= 300
    hashes, read = tree.digest()
    assert hashes == EXPECTED
    assert 0 < len(read) < len(EXPECTED)


def test_bounded_folder(tmp_path: Path) -> None:
    """The files longest unused go first."""
    for number in range(5):
        (tmp_path / str(number)).write_bytes(bytes(10))
        os.utime(tmp_path / str(number), (number, number))
    limit_folder(tmp_path, 25)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["3", "4"]


def test_use_keeps_it_young(tree: Tree) -> None:
    """A cache that was of use counts as used, though nothing in it changed."""
    tree.digest()
    os.utime(tree.files()[0], (1, 1))
    tree.digest()
    assert tree.files()[0].stat().st_mtime > 1


def test_private(tree: Tree) -> None:
    """Nobody else can read which files there are."""
    tree.digest()
    assert tree.files()[0].stat().st_mode & 0o077 == 0
    assert tree.folder.stat().st_mode & 0o077 == 0


def test_two_processes(tree: Tree) -> None:
    """Processes that digest one tree at once agree, and leave one whole file."""
    program = (
        # Files as new as these are not remembered yet.
        "import sys, time; now = time.time_ns\n"
        f"time.time_ns = lambda: now() + {LATER}\n"
        "from imagebuilders import BuildContext\n"
        "for _ in range(5): print(BuildContext(sys.argv[1]).digest())\n"
    )
    environment = {**os.environ, "IMAGEBUILDERS_CACHE_DIR": str(tree.folder)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tree.root)], env=environment, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = {line for process in running for line in process.communicate()[0].splitlines()}
    assert len(outputs) == 1
    assert all(process.returncode == 0 for process in running)
    assert [path.suffix for path in (tree.folder / "digests").iterdir()] == [".bin"]


def test_cache_folder(
    monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture, tmp_path: Path
) -> None:
    """The folder is the user's, another one, or none."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path / "digests"
    monkeypatch.delenv("IMAGEBUILDERS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/imagebuilders/digests"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home/.cache/imagebuilders/digests"
    monkeypatch.delenv("HOME")
    mocker.patch("pwd.getpwuid", side_effect=KeyError)
    assert cache_folder() is None
    for word in ("0", "off", "False", " no "):
        monkeypatch.setenv("IMAGEBUILDERS_DIGEST_CACHE", word)
        assert cache_folder() is None


def test_no_file_system_number(tree: Tree, mocker: MockerFixture) -> None:
    """Where file systems have no number, the cache works without."""
    mocker.patch("os.statvfs", side_effect=OSError)
    tree.digest()
    assert tree.digest()[1] == []
