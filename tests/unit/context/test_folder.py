"""Packed folders."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from imagebuilders import BuildContext
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.status import STATE_SIZE
from imagebuilders.context.walk import walk

NAMES = st.lists(st.text("abé\udcff", min_size=1, max_size=4), unique=True, max_size=12)


@given(NAMES)
def test_one_file_is_what_it_is_among_all(names: list[str]) -> None:
    """A packed file that is taken out alone is the same as when all are."""
    entries = [
        Entry(name, EntryType.FILE, 0o600, number, number, inode=number, source=f"/x/{number}")
        for number, name in enumerate(sorted(names, key=encode_path))
    ]
    folder = pack_entries(entries)
    at = 0
    for number, entry in enumerate(entries):
        assert folder.file(number, at) == entry == folder.find(encode_path(entry.path))
        at += len(encode_path(entry.path)) + 1
    assert len(folder.states) == STATE_SIZE * len(entries)


def test_what_was_put_in_by_hand_is_known(tmp_path: Path) -> None:
    """Added files and folders are told from what lies in the folder."""
    for name in ("a", "sub/b", "Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    assert list(walk(str(tmp_path), IgnoreRules()).placed()) == []
    context = BuildContext(str(tmp_path))
    context.add_file(b"x", "sub/added")
    context.add_file(b"x", "new/added")
    placed = sorted(context.build_snapshot().folder.placed())
    assert placed == ["Dockerfile", "new", "new/added", "sub/added"]
