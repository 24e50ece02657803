"""Archives are written as Go writes them, and read as what was written."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.oci.file_tree import File
from imagebuilders.oci.members import members
from imagebuilders.oci.tar_writer import TarStyle, with_hard_links, write_tar

_characters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
_texts = st.text(_characters, min_size=1, max_size=80)
_names = st.lists(_texts, min_size=1, max_size=4).map("/".join)
_numbers = st.integers(0, 2**40)
_files = st.tuples(
    st.integers(0, 0o7777),
    _numbers,
    _numbers,
    st.integers(-(2**40), 2**40),
    st.binary(max_size=1100),
).map(lambda given: File("file", *given))


@given(_names, _files)
def test_what_was_written_is_read(name: str, file: File) -> None:
    """Whatever the name, the numbers and the content."""
    (seen,) = members([write_tar([(name, file, "")])])
    assert (seen.name, seen.file) == (name, file)


@pytest.mark.parametrize(
    "file",
    [
        File("dir", 0o1777),
        File("symlink", 0o777, link="über/" + "l" * 120),
        File("char", 0o600, device=(5, 1)),
        File("block", 0o600, device=(8, 0)),
        File("fifo", 0o600),
        File("file", xattrs=(("security.capability", "ü"),)),
    ],
)
def test_each_kind(file: File) -> None:
    """With what it has."""
    (seen,) = members([write_tar([("a", file, "")])])
    assert seen.file == file


def test_attributes_that_no_engine_writes() -> None:
    """Of the extended attributes, a file's capabilities alone are written."""
    file = File("file", xattrs=(("security.capability", "x"), ("user.a", "b")))
    (seen,) = members([write_tar([("a", file, "")])])
    assert seen.file.xattrs == (("security.capability", "x"),)


def test_other_programs_read_it() -> None:
    """Folders end with a slash, long names are split where they can be."""
    long = "f" * 90 + "/" + "n" * 90
    entries = [("d", File("dir")), (long, File("file", data=b"1")), ("ü", File("file"))]
    data = write_tar((name, file, "") for name, file in entries)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [member.name for member in archive] == ["d", long, "ü"]
        assert archive.pax_headers == {}
    assert b"PaxHeaders" in data
    assert data.count(b"PaxHeaders") == 1


def test_hard_links_repeat_the_first_name() -> None:
    """A file with one name is none."""
    shared, own = File("file", inode=3, data=b"1"), File("file", data=b"2")
    entries = with_hard_links([("a", shared), ("b", own), ("c", shared)])
    seen = list(members([write_tar(entries)]))
    assert [(member.name, member.hard_link) for member in seen] == [
        ("a", ""),
        ("b", ""),
        ("c", "a"),
    ]
    assert seen[2].file.data == b""


def test_a_style_adds_types_and_names() -> None:
    """But for the names that are left bare."""
    style = TarStyle(has_type_bits=True, users={0: "root"}, groups={0: "wheel"})
    entries = [("a", File("file", 0o644), ""), ("b", File("file", 0o644), "")]
    data = write_tar(entries, style=style, bare={"b"})
    assert data[100:107] == b"0100644"
    assert data[612:619] == b"0000644"
    assert data[265:269] == b"root"
    assert data[297:302] == b"wheel"


@pytest.mark.parametrize("name", ["d", "d/"])
def test_a_folder_ends_with_one_slash(name: str) -> None:
    """Whether or not its name has one already; that of a file stays as it is."""
    for file, expected in [(File("dir"), b"d/\0"), (File("file"), f"{name}\0".encode())]:
        assert write_tar([(name, file, "")]).startswith(expected)


def test_numbers_that_a_field_cannot_hold_stand_in_a_record() -> None:
    """The field itself is zero."""
    data = write_tar([("a", File("file", uid=2**30, gid=2**31, mtime=-1), "")])
    header = data[-1024 - 512 : -1024]
    assert (header[108:115], header[116:123], header[136:147]) == (b"0" * 7, b"0" * 7, b"0" * 11)
    (seen,) = members([data])
    assert (seen.file.uid, seen.file.gid, seen.file.mtime) == (2**30, 2**31, -1)
