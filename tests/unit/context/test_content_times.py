"""Times that tell nothing but a file's content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from imagebuilders import BuildContext
from imagebuilders.context.archive import DEFAULT_MTIME
from imagebuilders.context.content_times import ContentTimes
from imagebuilders.context.digest_cache import DigestCache
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.manifest import ContentHasher
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.status import STATE_SIZE
from imagebuilders.exceptions import BuildContextError

SECOND = 10**9


def _times(root: Path) -> list[int]:
    folder = BuildContext(str(root)).snapshot().folder
    times = BuildContext(str(root)).snapshot().content_times()
    return list(times.of_packed(folder, 0, len(folder.states) // STATE_SIZE))


def test_equal_content_has_an_equal_time(tmp_path: Path) -> None:
    """Whatever the files' names and own times are."""
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("two")
    (tmp_path / "c").write_text("one")
    os.utime(tmp_path / "c", (1, 1))
    first, second, third = _times(tmp_path)
    assert first == third != second
    assert all(DEFAULT_MTIME * SECOND <= time < (DEFAULT_MTIME + 1) * SECOND for time in (first,))


def test_a_content_s_time_stays_what_it_is(tmp_path: Path) -> None:
    """Another release of this package chooses the same, or it would be built again for nothing."""
    (tmp_path / "a").write_text("one")
    assert [time % SECOND for time in _times(tmp_path)] == [765_445_504]


def test_hashes_are_remembered(tmp_path: Path, mocker: MockerFixture) -> None:
    """As for a digest: a file that did not change is read once for many builds."""
    cache = mocker.patch("imagebuilders.context.snapshot.DigestCache", wraps=DigestCache)
    (tmp_path / "a").write_text("one")
    _times(tmp_path)
    assert cache.call_count == 1


def test_a_change_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    """Also from one process to the next, which remembers hashes."""
    path = tmp_path / "a"
    path.write_text("one")
    os.utime(path, (1000, 1000))
    before = _times(tmp_path)
    path.write_text("two")
    os.utime(path, (1000, 1000))
    assert _times(tmp_path) != before


def test_the_second_is_that_of_reproducible_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SOURCE_DATE_EPOCH` sets it; one that is no number is an error."""
    (tmp_path / "a").write_text("one")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert [time // SECOND for time in _times(tmp_path)] == [1700000000]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    with pytest.raises(BuildContextError, match="SOURCE_DATE_EPOCH"):
        _times(tmp_path)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_added_files_have_such_times_too(one: bytes, other: bytes) -> None:
    """Two contents, two times, on any name; folders and links have the fixed time."""
    entries = [
        Entry("a", EntryType.FILE, size=len(one), source=one),
        Entry("d", EntryType.DIRECTORY),
        Entry("d/b", EntryType.FILE, size=len(other), source=other),
        Entry("l", EntryType.LINK, target="a"),
    ]
    with ContentHasher() as hasher:
        times = ContentTimes(pack_entries(entries), hasher)
    found = {entry.path: times.of_entry(entry) for entry in entries}
    assert (found["a"] == found["d/b"]) == (one == other)
    assert found["d"] == found["l"] == DEFAULT_MTIME * SECOND
