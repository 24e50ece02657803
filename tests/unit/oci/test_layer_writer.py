"""Layers as archives: what is written is read back, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.content import digest_pieces
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_writer import PIECE_BYTES, write_layer
from imagebuilders.oci.members import Member, members

_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: name not in (".", ".."))
_PATHS = st.lists(_NAMES, min_size=1, max_size=6).map("/".join)
_TIMES = st.integers(-(2**33), 2**40)
_IDS = st.integers(0, 2**32 - 1)


@st.composite
def _entries(draw: st.DrawFn) -> Member:
    path = draw(_PATHS)
    kind = draw(st.sampled_from(["file", "dir", "symlink", "fifo", "char", "block"]))
    data = draw(st.binary(max_size=2000)) if kind == "file" else b""
    file = File(
        kind,
        mode=draw(st.integers(0, 0o7777)),
        uid=draw(_IDS),
        gid=draw(_IDS),
        mtime=draw(_TIMES),
        data=data,
        link=draw(_PATHS) if kind == "symlink" else "",
        device=draw(st.tuples(st.integers(0, 4095), st.integers(0, 4095)))
        if kind in ("char", "block")
        else (0, 0),
        xattrs=(("security.capability", "\udcff\x01=\n\udc80"),) if draw(st.booleans()) else (),
    )
    return Member(path + "/" * (kind == "dir"), file, size=len(data))


@given(st.lists(_entries(), max_size=8))
def test_what_is_written_is_read_back(entries: list[Member]) -> None:
    """Names, times, owners, links, devices, contents and capabilities survive."""
    read = [member._replace(type_flag="0") for member in members(write_layer(entries))]
    assert read == entries


@given(st.lists(_entries(), max_size=5))
def test_other_programs_read_the_archive(entries: list[Member]) -> None:
    """Python's tarfile sees the same names, sizes and times."""
    raw = b"".join(write_layer(entries))
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        seen = [(info.name, info.size, info.mtime) for info in archive]
    assert seen == [(e.name.rstrip("/"), e.size, e.file.mtime) for e in entries]


def test_hard_links_have_no_content() -> None:
    """A hard link is its name and the path that it repeats."""
    file = File("file", data=b"text", inode=1)
    raw = b"".join(write_layer([Member("a", file, size=4), Member("b", file, hard_link="a")]))
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        link = archive.getmember("b")
    assert (link.islnk(), link.linkname, link.size) == (True, "a", 0)


def test_later_times_become_the_latest_one() -> None:
    """With `latest`, times beyond it are cut; earlier ones stay."""
    entries = [Member("a", File("file", mtime=50)), Member("b", File("file", mtime=5000))]
    read = members(write_layer(entries, latest=100))
    assert [member.file.mtime for member in read] == [50, 100]


class _Content:
    """Zeros that are made when they are read."""

    def __init__(self, size: int, pieces: list[int]) -> None:
        self.size = size
        self._pieces = pieces

    def pieces(self) -> Iterator[bytes]:
        return (bytes(length) for length in self._pieces)

    def digest(self) -> Digest:
        return digest_pieces(self.pieces())


def test_large_files_come_in_pieces() -> None:
    """A large file is passed on as it is read."""
    content = _Content(4 * PIECE_BYTES, [PIECE_BYTES // 4] * 16)
    entry = Member("large", File("file", content=content), size=content.size)
    sizes = [len(piece) for piece in write_layer([entry])]
    assert max(sizes) < 2 * PIECE_BYTES
    assert sum(sizes) == content.size + 3 * 512


def test_a_file_that_is_shorter_than_it_says_is_an_error() -> None:
    """What is read must have as many bytes as the entry says."""

    file = File("file", content=_Content(10, [5]))
    with pytest.raises(ImageFormatError, match="5 bytes"):
        list(write_layer([Member("a", file, size=10)]))


def test_the_bytes_of_an_archive_are_fixed() -> None:
    """The same entries make the same archive in every version."""
    entries = [
        Member("d/", File("dir", 0o755, 0, 0, 1_000_000_000)),
        Member("d/f", File("file", 0o644, 1000, 1000, 1_000_000_001, b"text"), size=4),
        Member("d/" + "n" * 120, File("symlink", 0o777, link="f")),
    ]
    raw = b"".join(write_layer(entries))
    assert (
        hashlib.sha256(raw).hexdigest()
        == "eaf0d56e4d1d9bc869fa44417a5bd70a7e227ee5e761d2e9a942ee13199bd13f"
    )
