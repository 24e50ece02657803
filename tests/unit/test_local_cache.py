"""What is remembered on this machine between runs."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from imagebuilders import BuildContext
from imagebuilders.local_cache import local_cache, prune_local_cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what is remembered, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(folder))
    return folder


def _put(folder: Path, name: str, size: int, age: timedelta = timedelta()) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    used = time.time() - age.total_seconds()
    os.utime(path, (used, used))
    return path


def test_what_a_digest_leaves_is_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hashes of a context's files are there, and gone after pruning; the digest is the same."""
    # A file that changed this moment would not be remembered.
    monkeypatch.setattr("imagebuilders.context.digest_cache.FINE_GRAIN_NS", -1_000_000_000)
    assert local_cache() == []
    app = tmp_path / "app"
    app.mkdir()
    (app / "file").write_text("content")
    digest = BuildContext(str(app)).digest()
    (found,) = local_cache()
    assert found.kind == "digests"
    assert found.path.parent == folder / "digests"
    assert found.size == found.path.stat().st_size
    assert prune_local_cache() == [found]
    assert local_cache() == []
    assert BuildContext(str(app)).digest() == digest


def test_only_what_is_ours_is_removed(folder: Path, tmp_path: Path) -> None:
    """The folder may be shared with others: their files, and what links lead to, stay."""
    ours = [_put(folder, "digests/a.bin", 3), _put(folder, "builds/deep/b", 5)]
    theirs = [_put(folder, "node", 1), _put(folder, "other/file", 9), _put(tmp_path, "away", 9)]
    (folder / "digests" / "link").symlink_to(tmp_path / "away")
    (folder / "builds" / "folder").symlink_to(folder / "other")
    assert [file.path for file in local_cache()] == ours[::-1]
    assert [file.path for file in prune_local_cache()] == ours[::-1]
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in theirs)


def test_what_was_used_lately_can_stay(folder: Path) -> None:
    """The time is that of the last run that needed it."""
    old = _put(folder, "digests/old.bin", 1, timedelta(hours=3))
    new = _put(folder, "digests/new.bin", 1, timedelta(hours=1))
    assert [file.path for file in prune_local_cache(timedelta(hours=2))] == [old]
    assert new.exists()


def test_a_user_without_a_home_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no folder to look into."""
    monkeypatch.setattr("imagebuilders.local_cache.own_cache_folder", lambda: None)
    assert local_cache() == []
    assert prune_local_cache() == []
