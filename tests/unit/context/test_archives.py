"""Archives: what other programs read in them, and that they are always the same."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.context import archive, tar_stream, zip_stream
from imagebuilders.context.archive import DEFAULT_MTIME, ArchiveType, archive_stream, fixed_mtime
from imagebuilders.context.content import CHUNK_SIZE
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.gzip_stream import gzip_stream
from imagebuilders.context.inspection import inspect
from imagebuilders.exceptions import BuildContextError

LONG = "/".join(["d" * 90] * 4)
ENTRIES = (
    Entry(".dockerignore", EntryType.FILE, 0o600, 2, source=b"x\n"),
    Entry("a", EntryType.DIRECTORY, 0o700),
    Entry("a/run", EntryType.FILE, 0o750, 3, mtime_ns=1_700_000_000_987_654_321, source=b"#!x"),
    Entry("a/zero", EntryType.FILE),
    Entry("block", EntryType.FILE, size=1024, source=bytes(1024)),
    Entry("large", EntryType.FILE, size=2 * CHUNK_SIZE + 1, source=b"q" * (2 * CHUNK_SIZE + 1)),
    Entry("link", EntryType.LINK, 0o777, target="a/run"),
    Entry("longlink", EntryType.LINK, 0o777, target=LONG),
    Entry("s" * 100, EntryType.FILE, size=1, source=b"1"),
    Entry("t" * 99, EntryType.DIRECTORY),
    Entry("u" * 100, EntryType.DIRECTORY),
    Entry(LONG, EntryType.FILE, size=4, source=b"long"),
    Entry("ü\n", EntryType.FILE, size=1, source=b"u"),
    Entry("\udcff", EntryType.FILE, size=1, source=b"r"),
)


def made(archive_type: ArchiveType, entries: Iterable[Entry] = ENTRIES, **options: bool) -> bytes:
    """Make an archive."""
    return b"".join(archive_stream(entries, archive_type, **options))


@pytest.mark.parametrize("archive_type", [ArchiveType.TAR, ArchiveType.TAR_GZ])
def test_tar_is_read_back(archive_type: ArchiveType) -> None:
    """Python's `tarfile` finds every entry, in order, as it was given."""
    with tarfile.open(fileobj=io.BytesIO(made(archive_type))) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == [entry.path for entry in ENTRIES]
        for member, entry in zip(members, ENTRIES, strict=True):
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert (member.mode, member.size) == (entry.normal_mode, entry.size)
            assert (member.mtime, member.linkname) == (DEFAULT_MTIME, entry.target)
            assert member.isdir() is (entry.type is EntryType.DIRECTORY)
            assert member.issym() is (entry.type is EntryType.LINK)
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                assert content.read() == entry.source


def test_tar_is_python_s_own() -> None:
    """The bytes are those that Python's `tarfile` writes in GNU format."""
    buffer = io.BytesIO()
    types = {EntryType.FILE: tarfile.REGTYPE, EntryType.DIRECTORY: tarfile.DIRTYPE}
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape"
    ) as tar:
        for entry in ENTRIES:
            info = tarfile.TarInfo(entry.path)
            info.type = types.get(entry.type, tarfile.SYMTYPE)
            info.mode, info.mtime = entry.normal_mode, DEFAULT_MTIME
            info.size, info.linkname = entry.size, entry.target
            content = entry.source if isinstance(entry.source, bytes) else b""
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    ours = made(ArchiveType.TAR)
    # The helper entries of long names differ in their permission bits and times, which say nothing.
    blocks = [ours[at : at + 512] for at in range(0, len(ours), 512)]
    theirs = [buffer.getvalue()[at : at + 512] for at in range(0, len(buffer.getvalue()), 512)]
    assert len(blocks) == len(theirs)
    different = [block for block, other in zip(blocks, theirs, strict=True) if block != other]
    assert all(block.startswith(b"././@LongLink") for block in different)


def test_tar_of_gnu(tmp_path: Path) -> None:
    """GNU tar unpacks it without a word."""
    (tmp_path / "a.tar").write_bytes(made(ArchiveType.TAR))
    done = subprocess.run(
        ["tar", "-xf", "a.tar", "--no-same-owner"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stderr == b""
    assert (tmp_path / LONG).read_bytes() == b"long"
    assert (tmp_path / os.fsdecode(b"\xff")).read_bytes() == b"r"
    assert stat.S_IMODE((tmp_path / "a/run").stat().st_mode) == 0o755
    assert os.readlink(tmp_path / "longlink") == LONG


def test_more_than_eight_gibibytes(tmp_path: Path) -> None:
    """The header of a file over 8 GiB holds its size; the file itself comes in pieces."""
    size = 9 * 1024**3
    entry = Entry("huge", EntryType.FILE, size=size, source=str(tmp_path / "none"))
    header = tar_stream._header(entry, 0, 0o644)
    assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == size


def test_huge_sparse_file(tmp_path: Path) -> None:
    """A sparse file over 8 GiB begins to stream at once, a piece at a time."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(9 * 1024**3)
    entry = inspect("huge", file.name)
    stream = archive_stream([entry], ArchiveType.TAR)
    assert len(next(stream)) < 2 * CHUNK_SIZE
    assert not next(stream).strip(b"\0")
    stream.close()


def test_times_before_1970() -> None:
    """A time before 1970 is kept when times are."""
    entry = Entry("a", EntryType.FILE, mtime_ns=-1_500_000_000)
    with tarfile.open(fileobj=io.BytesIO(made(ArchiveType.TAR, [entry], keep_mtimes=True))) as tar:
        assert tar.getmembers()[0].mtime == -2


def test_kept_times_and_modes() -> None:
    """Times and modes are kept on demand; an entry that has no time gets the fixed one."""
    data = made(ArchiveType.TAR, keep_mtimes=True, keep_modes=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getmember("a/run").mtime == 1_700_000_000
        assert tar.getmember("a/run").mode == 0o750
        assert tar.getmember("a").mtime == DEFAULT_MTIME


def test_zip_is_read_back() -> None:
    """Python's `zipfile` finds every entry, with its content, mode and type."""
    with zipfile.ZipFile(io.BytesIO(made(ArchiveType.ZIP))) as archived:
        assert archived.testzip() is None
        for info, entry in zip(archived.infolist(), ENTRIES, strict=True):
            folder = entry.type is EntryType.DIRECTORY
            if entry.path.isprintable() and "\udcff" not in entry.path:
                assert info.filename == entry.path + "/" * folder
            mode = info.external_attr >> 16
            assert stat.S_IMODE(mode) == entry.normal_mode
            assert stat.S_ISDIR(mode) is info.is_dir() is folder
            assert info.external_attr & 0xFFFF == (0x10 if folder else 0)  # as MS-DOS has it
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            content = archived.read(info)
            if entry.type is EntryType.LINK:
                assert stat.S_ISLNK(mode)
                assert content.decode() == entry.target
            else:
                assert content == entry.source


def test_zip_times() -> None:
    """Times out of a zip's reach become the nearest it can hold."""
    assert zip_stream._dos_time(0) == (0x21, 0)
    assert zip_stream._dos_time(2**40) == (0xFF9F, 0xBF7D)
    entry = Entry("a", EntryType.FILE, mtime_ns=1_700_000_001 * 10**9)
    data = made(ArchiveType.ZIP, [entry], keep_mtimes=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archived:
        assert archived.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)


def test_empty() -> None:
    """Archives of nothing are well-formed and empty."""
    with tarfile.open(fileobj=io.BytesIO(made(ArchiveType.TAR, []))) as tar:
        assert tar.getmembers() == []
    assert len(made(ArchiveType.TAR, [])) == 10240
    with zipfile.ZipFile(io.BytesIO(made(ArchiveType.ZIP, []))) as archived:
        assert archived.infolist() == []


def test_gzip_header() -> None:
    """The gzip header carries neither a time nor a name."""
    data = made(ArchiveType.TAR_GZ)
    assert data[:10] == bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
    assert gzip.decompress(data) == made(ArchiveType.TAR)


@pytest.mark.parametrize(
    ("content", "smaller"),
    [(b"a" * 1000, True), (random.Random(1).randbytes(1000), False)],
    ids=["repeated", "random"],
)
def test_gzip_of_little(content: bytes, smaller: bool) -> None:
    """It is compressed without a look at what that gains."""
    compressed = b"".join(gzip_stream([content]))
    assert gzip.decompress(compressed) == content
    assert (len(compressed) < len(content) // 10) is smaller


@pytest.mark.parametrize("kinds", ["r", "t", "rt", "tr", "rtr", "trt", "rr", "s", "ttsrs"])
def test_gzip_of_much(kinds: str) -> None:
    """Stretches that are compressed and stretches that are stored make one stream."""
    mebibyte = 1024 * 1024
    contents = {
        "r": os.urandom(mebibyte),
        "t": b"some text\n" * (mebibyte // 10 + 1),
        "s": os.urandom(1000),
    }
    content = b"".join(contents[kind] for kind in kinds)
    compressed = b"".join(gzip_stream(contents[kind] for kind in kinds))
    assert gzip.decompress(compressed) == content
    with gzip.open(io.BytesIO(compressed)) as file:
        assert file.read() == content
    random = sum(len(contents[kind]) for kind in kinds if kind != "t")
    assert len(compressed) < random * 1.001 + (len(content) - random) / 10 + 1000


def test_pieces() -> None:
    """Pieces are of moderate size, however large the file."""
    sizes = [len(piece) for piece in archive_stream(ENTRIES, ArchiveType.TAR)]
    assert max(sizes) <= 2 * CHUNK_SIZE + 10240
    many = (Entry(f"f{number:05}", EntryType.FILE) for number in range(2000))
    sizes = [len(piece) for piece in archive_stream(many, ArchiveType.TAR)]
    assert len(sizes) > 2


def test_nothing_is_read_ahead() -> None:
    """Entries are asked for as the archive is read."""
    asked = 0

    def entries() -> Iterator[Entry]:
        nonlocal asked
        for number in range(10_000):
            asked += 1
            yield Entry(f"f{number}", EntryType.FILE)

    next(archive_stream(entries(), ArchiveType.TAR))
    assert asked < 1000


def test_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SOURCE_DATE_EPOCH` is the time of all entries; anything but a number is an error."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    with tarfile.open(fileobj=io.BytesIO(made(ArchiveType.TAR))) as tar:
        assert {member.mtime for member in tar} == {1234567890}
    for wrong in ("x", "-1", "1.5", "9" * 12, "²"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        with pytest.raises(BuildContextError, match="SOURCE_DATE_EPOCH"):
            fixed_mtime()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert fixed_mtime() == archive.DEFAULT_MTIME


PROGRAM = """
import hashlib, os, sys
os.umask(int(sys.argv[2], 8))
os.environ["TZ"] = sys.argv[3]
import time; time.tzset()
from imagebuilders import ArchiveType, BuildContext
context = BuildContext(sys.argv[1])
context.add_file("x", "generated/file")
print(context.digest())
for archive_type in ArchiveType:
    print(hashlib.sha256(b"".join(context.iter_archive(archive_type))).hexdigest())
"""


def test_same_bytes_everywhere(tmp_path: Path) -> None:
    """Place, order of creation, times, umask, hash seed and zone leave no trace."""
    outputs = set()
    files = ["b/x", "a", "c/d/e", "b/y"]
    for number, (umask, zone) in enumerate((("022", "UTC"), ("077", "Asia/Tokyo"))):
        root = tmp_path / ("n" * (number + 1)) / "root"
        for path in files if number else reversed(files):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path * 1000)
            os.utime(root / path, (number * 10**6, number * 10**6))
            os.chmod(root / path, 0o600 if number else 0o664)
        if number:
            (root / "hard").hardlink_to(root / "a")
        else:
            (root / "hard").write_text("a" * 1000)
            os.chmod(root / "hard", 0o644)
        (root / "a").chmod(0o755 if number else 0o711)
        (root / "hard").chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(root), umask, zone],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_known_bytes() -> None:
    """The tar of some entries never changes from one release to the next."""
    known = "e21f10835599d2a8314667bc4b0558415f7dd9018d6cfbccaf42518bb76723d4"
    assert hashlib.sha256(made(ArchiveType.TAR)).hexdigest() == known


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b/c", "d")])
def test_the_end_of_a_zip_archive(tmp_path: Path, names: tuple[str, ...]) -> None:
    """It says how many entries there are, how long their directory is, and where that begins."""
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    data = b"".join(BuildContext(str(tmp_path)).iter_archive(ArchiveType.ZIP))
    entries = zipfile.ZipFile(io.BytesIO(data)).namelist()
    end = data.rindex(b"PK\6\6")
    here, every, length, start = struct.unpack("<4Q", data[end + 24 : end + 56])
    assert here == every == len(entries)
    assert start + length == end
    assert data[start : start + 4] in (b"PK\1\2", b"PK\6\6")
    assert data.count(b"PK\1\2", start, end) == len(entries)


@pytest.mark.parametrize("length", [99, 100, 101, 102, 511, 512, 513])
def test_long_names_and_targets_in_tar(length: int) -> None:
    """Past 100 bytes they stand in blocks of their own, and none lies out of step."""
    entries = (
        Entry("n" * length, EntryType.FILE, size=1, source=b"n"),
        Entry("link", EntryType.LINK, target="t" * length),
        Entry("last", EntryType.FILE, size=4, source=b"last"),
    )
    archive = made(ArchiveType.TAR, entries)
    assert len(archive) % tar_stream.RECORD == 0
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = tar.getmembers()
        assert [(member.name, member.linkname) for member in members] == [
            (entry.path, entry.target) for entry in entries
        ]
        last = tar.extractfile(members[-1])
        assert last is not None
        assert last.read() == b"last"
