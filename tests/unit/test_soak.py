"""Builds and uploads, a third of them with a fault, leave nothing behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from comparison_size import size
from soak import Leftovers, soak


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for this process's temporary files, and nothing of the user's own settings."""
    for name in os.environ:
        if name.startswith(("AWS_", "DOCKER_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A socket's path may have a hundred characters: tmp_path is too long for it.
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_nothing_is_left_behind(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread, descriptor or temporary file stays, and no half-made object in a store."""

    def rounds(count: int, seed: int) -> None:
        with soak(tmp_path, seed) as going:
            monkeypatch.setenv("DOCKER_HOST", going.docker_host)
            going.run(count)
            assert going.half_made == []
            assert going.outcomes["done"] == count - count // 3
            assert going.outcomes.total() == count

    rounds(21, seed=0)  # what the first use of a library opens stays open
    before = Leftovers.seen(temporary)
    rounds(size(42, 1000), seed=1)
    assert before.grew(temporary) == {}
