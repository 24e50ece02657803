"""Packed folders, compared with a plain mapping."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.build_context import BuildContext
from imagebuilders.context import folder as folder_module
from imagebuilders.context.entries import Entry, EntryType, encode_path, sort_key
from imagebuilders.context.folder import Folder
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.status import STATE_SIZE
from imagebuilders.context.tree import find, find_folder, replace
from imagebuilders.context.walk import walk

NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=3)
PATH = st.lists(st.sampled_from(["a", "b", "a-", "a.b", "ü", "\udcff"]), min_size=1, max_size=3)


def on_disk(path: str, number: int) -> Entry:
    """Make the entry of a file that is on disk."""
    return Entry(
        path, EntryType.FILE, 0o644, number, number, number, number, 1, source=f"/{number}"
    )


def entry(path: str, number: int) -> Entry:
    """Make an entry of one kind or another."""
    kinds = (
        on_disk(path, number),
        Entry(path, EntryType.FILE, size=1, source=b"x"),
        Entry(path, EntryType.LINK, 0o777, target=str(number)),
    )
    return kinds[number % len(kinds)]


@given(st.lists(st.tuples(PATH.map("/".join), st.integers(0, 8)), max_size=12))
def test_replacing_is_as_in_a_mapping(changes: list[tuple[str, int]]) -> None:
    """What was put last stands there, in order, with the folders above it; the old is as it was."""
    root = Folder("", "")
    model: dict[str, Entry] = {}
    for path, number in changes:
        before = (root, list(root.entries()))
        new = entry(path, number)
        root = replace(root, new)
        model = {old: kept for old, kept in model.items() if not old.startswith(f"{path}/")}
        model[path] = new
        for at, char in enumerate(path):
            if char == "/" and model.get(path[:at], new).type is not EntryType.DIRECTORY:
                model[path[:at]] = Entry(path[:at], EntryType.DIRECTORY, 0o755)
        assert list(before[0].entries()) == before[1]
    assert list(root.entries()) == sorted(model.values(), key=lambda kept: sort_key(kept.path))
    for path, kept in model.items():
        assert find(root, path) == kept
    assert find(root, "none") is None
    assert find(root, "none/x") is None
    assert sorted(root.paths()) == sorted(
        path for path, kept in model.items() if kept.type is not EntryType.DIRECTORY
    )


@given(st.dictionaries(NAME, st.integers(0, 8), max_size=8))
def test_packing_keeps_entries(files: dict[str, int]) -> None:
    """What is packed comes out again; any name goes."""
    entries = [entry(name, number) for name, number in files.items()]
    entries.sort(key=lambda kept: sort_key(kept.path))
    assert list(pack_entries(entries).entries()) == entries


def test_names_are_taken_apart_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of many files is gone through without all their names at once."""
    monkeypatch.setattr(folder_module, "_BATCH", 5)
    entries = [on_disk(f"{number:04}", number) for number in range(100)]
    assert list(pack_entries(entries).entries()) == entries


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_odd_times_are_kept(number: int) -> None:
    """A time that does not fit into eight bytes of nanoseconds."""
    odd = on_disk("odd", 1)._replace(mtime_ns=number)
    root = pack_entries([on_disk("a", 1), odd])
    assert find(root, "odd") == odd
    assert find(replace(Folder("", ""), odd), "odd") == odd


def test_a_folder_is_found() -> None:
    """By its path; what is no folder is none."""
    root = replace(Folder("", ""), entry("a/b/c", 0))
    below = find_folder(root, "a/b")
    assert below is not None
    assert [kept.path for kept in below.entries()] == ["a/b/c"]
    assert find_folder(root, "") is root
    assert find_folder(root, "a/b/c") is None
    assert find_folder(root, "x/y") is None


def test_a_million_files_have_room(tmp_path: Path) -> None:
    """A packed file takes its name, its state and little more."""
    for number in range(100):
        (tmp_path / f"{number:03}").touch()
    folder = walk(str(tmp_path), IgnoreRules())
    assert len(folder.names) + len(folder.states) == 100 * (4 + 44)
    assert folder.children == []
    assert [os.path.basename(str(kept.source)) for kept in folder.entries()] == [
        f"{number:03}" for number in range(100)
    ]


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
