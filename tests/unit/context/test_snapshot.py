"""Snapshots: what is exchanged, changed, added or gone after the walk."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_mock import MockerFixture

from imagebuilders import ArchiveType, BuildContext
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.context.walk import walk
from imagebuilders.exceptions import BuildContextError, ContextChangedError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, a folder and a link."""
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "file").write_text("-inside")
    (root / "sub" / "deep" / "file").write_text("-inside")
    (root / "link").symlink_to("file")
    return root


@pytest.fixture
def outside(tmp_path: Path, root: Path) -> Path:
    """A folder outside the root, of the same shape, size and times, with another content."""
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    when = (root / "file").stat().st_mtime_ns
    for path in ("file", "deep/file"):
        (outside / path).write_text("OUTSIDE")
        for place in (outside / path, root / "file", root / "sub/deep/file"):
            os.utime(place, ns=(when, when))
    return outside


def archived(chunks: bytes) -> dict[str, bytes | None]:
    """Return the files in a tar, and the other names with nothing."""
    found: dict[str, bytes | None] = {}
    with tarfile.open(fileobj=io.BytesIO(chunks)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            found[member.name] = None if file is None else file.read()
    return found


def file_for_link(root: Path, outside: Path) -> None:
    """Put a link to a file outside in a file's place."""
    (root / "file").unlink()
    (root / "file").symlink_to(outside / "file")


def folder_for_link(root: Path, outside: Path) -> None:
    """Put a link to a folder outside in a folder's place."""
    (root / "sub").rename(root.parent / "moved")
    (root / "sub").symlink_to(outside)


def deep_folder_for_link(root: Path, outside: Path) -> None:
    """The same one level further down."""
    (root / "sub/deep").rename(root.parent / "moved")
    (root / "sub/deep").symlink_to(outside / "deep")


def file_for_hard_link(root: Path, outside: Path) -> None:
    """Put the file outside itself in a file's place."""
    (root / "file").unlink()
    (root / "file").hardlink_to(outside / "file")


def read_all(snapshot: ContextSnapshot, use: ArchiveType | str) -> object:
    """Make the archive, or the digest."""
    if isinstance(use, ArchiveType):
        return b"".join(snapshot.iter_archive(use))
    return snapshot.digest(use_cache=False)


EXCHANGES = [file_for_link, folder_for_link, deep_folder_for_link, file_for_hard_link]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("use", [*ArchiveType, "digest"])
def test_nothing_from_outside_is_read(
    root: Path, outside: Path, exchange: Callable[[Path, Path], None], use: ArchiveType | str
) -> None:
    """A file or folder that is exchanged after the walk is told, whatever reads it."""
    snapshot = BuildContext(str(root)).snapshot()
    exchange(root, outside)
    with pytest.raises(ContextChangedError, match="was replaced"):
        read_all(snapshot, use)


@pytest.mark.parametrize("exchange", [folder_for_link, deep_folder_for_link])
@pytest.mark.parametrize("moment", ["before it is listed", "while it is listed"])
def test_nothing_from_outside_is_walked(
    root: Path,
    outside: Path,
    exchange: Callable[[Path, Path], None],
    moment: str,
    mocker: MockerFixture,
) -> None:
    """A folder that is exchanged between two steps of the walk is noticed by the walk."""
    (outside / "more").touch()
    scandir = os.scandir
    at = "sub" if exchange is folder_for_link else "deep"

    def scan(path: str) -> object:
        if os.path.basename(path) != at:
            return scandir(path)
        found = scandir(path) if moment == "while it is listed" else None
        exchange(root, outside)
        return found or scandir(path)

    mocker.patch("os.scandir", scan)
    with pytest.raises(ContextChangedError, match="was replaced"):
        walk(str(root), IgnoreRules())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: path.write_text("changed"), "was written to"),
        (lambda path: path.write_text("longer than before"), "grew"),
        (lambda path: path.write_text(""), "shrank"),
        (lambda path: path.unlink(), "vanished"),
        (lambda path: path.chmod(0o755), "changed"),
    ],
)
def test_a_file_that_changes_is_told(
    root: Path, change: Callable[[Path], object], words: str
) -> None:
    """With its path, by digest and archive alike."""
    os.utime(root / "file", (1, 1))
    snapshot = BuildContext(str(root)).snapshot()
    change(root / "file")
    for use in (snapshot.digest, lambda: b"".join(snapshot.iter_archive())):
        with pytest.raises(ContextChangedError, match=f"file {words} while") as caught:
            use()
        assert caught.value.path == str(root / "file")


def test_a_change_that_hides_is_told(root: Path) -> None:
    """Another content of the same size, with the old time put back."""
    snapshot = BuildContext(str(root)).snapshot()
    status = (root / "file").stat()
    (root / "file").write_text("another")
    os.utime(root / "file", ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(ContextChangedError, match="file changed while"):
        snapshot.digest()


def test_a_file_that_is_added_later_is_not_part_of_it(root: Path) -> None:
    """Digest and archive are those of the moment of the walk."""
    context = BuildContext(str(root))
    snapshot = context.snapshot()
    digest = snapshot.digest()
    before = b"".join(snapshot.iter_archive())
    (root / "new").write_text("new")
    assert snapshot.digest() == digest
    assert b"".join(snapshot.iter_archive()) == before
    assert context.digest() != digest


def test_entries_tell_what_a_transfer_needs(root: Path) -> None:
    """Types, modes, sizes, times, link targets, and which files are hard links of each other."""
    (root / "hard").hardlink_to(root / "file")
    snapshot = BuildContext(str(root)).snapshot()
    assert [(entry.path, entry.type.name) for entry in snapshot] == [
        ("file", "FILE"),
        ("hard", "FILE"),
        ("link", "LINK"),
        ("sub", "DIRECTORY"),
        ("sub/deep", "DIRECTORY"),
        ("sub/deep/file", "FILE"),
    ]
    for entry in snapshot:
        status = os.lstat(root / entry.path)
        assert entry.mode == status.st_mode & 0o7777
        assert (entry.mtime_ns, entry.inode, entry.device) == (
            status.st_mtime_ns,
            status.st_ino,
            status.st_dev,
        )
    first, second = snapshot.find("file"), snapshot.find("hard")
    assert first is not None
    assert second is not None
    assert (first.inode, first.device, first.size) == (second.inode, second.device, 7)
    assert snapshot.read(first) == b"-inside"
    link = snapshot.find("link")
    assert link is not None
    assert link.target == "file"
    assert snapshot.find("none") is None


def test_a_snapshot_can_be_extended(root: Path) -> None:
    """The old one stays as it was."""
    snapshot = BuildContext(str(root)).snapshot()
    digest = snapshot.digest()
    added = Entry("sub/new/file", EntryType.FILE, size=1, source=b"x")
    extended = snapshot.with_entries([added])
    assert archived(b"".join(extended.iter_archive()))["sub/new/file"] == b"x"
    assert extended.digest() != digest
    assert snapshot.digest() == digest


@pytest.mark.parametrize("when", [(0, 0), (-1, 0), (-1, 500_000_000), (2**33, 1)])
def test_odd_times_are_kept(root: Path, when: tuple[int, int]) -> None:
    """1970-01-01 itself, times before it, fractions and the far future, in whole seconds."""
    seconds, nanoseconds = when
    total = seconds * 10**9 + nanoseconds
    os.utime(root / "file", ns=(total, total))
    snapshot = BuildContext(str(root)).snapshot()
    assert snapshot.digest() == snapshot.digest(use_cache=False)
    for archive_type in ArchiveType:
        assert b"".join(snapshot.iter_archive(archive_type, keep_mtimes=True))
    stream = b"".join(snapshot.iter_archive(keep_mtimes=True))
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        assert tar.getmember("file").mtime == seconds


def test_a_time_after_2262_is_kept(root: Path, mocker: MockerFixture) -> None:
    """Its nanoseconds since 1970 do not fit into eight bytes; some file systems have such times."""
    far = 10**10 * 10**9
    real = os.stat

    def look(path: str | bytes, **options: object) -> object:
        found = real(path, **options)  # type: ignore[arg-type]
        if path != b"file":
            return found
        names = ("st_mode", "st_size", "st_ctime_ns", "st_ino", "st_dev")
        return SimpleNamespace(st_mtime_ns=far, **{name: getattr(found, name) for name in names})

    mocker.patch("os.stat", look)
    snapshot = BuildContext(str(root)).snapshot()
    assert [entry.mtime_ns == far for entry in snapshot if entry.type is EntryType.FILE] == [
        True,
        True,
    ]
    with pytest.raises(ContextChangedError, match="file was written to"):  # it has another time
        snapshot.digest()


def test_a_very_deep_tree(tmp_path: Path) -> None:
    """Folders of several hundred levels are walked and read with few of them open at once."""
    root = deep = tmp_path / "root"
    for _ in range(300):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (root / "d" / "last").write_text("y")
    snapshot = BuildContext(str(root)).snapshot()
    files = archived(b"".join(snapshot.iter_archive()))
    assert files["d/" * 300 + "file"] == b"x"
    assert files["d/last"] == b"y"


@pytest.mark.parametrize("root", ["a\0b", "a\ud800", "\udcff" * 300, "x" * 5000])
def test_impossible_roots(root: str) -> None:
    """A root that the system cannot have is this package's error."""
    for use in (BuildContext(root).get_files, BuildContext(root).digest):
        with pytest.raises(BuildContextError, match="root of the build context"):
            use()
