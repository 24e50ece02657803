"""What the tests of the build context share."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[2] / "data"

Content = str | bytes | None
MakeTree = Callable[[Mapping[str, Content]], Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the hashes that tests make out of the user's cache folder."""
    monkeypatch.setenv("IMAGEBUILDERS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("IMAGEBUILDERS_DIGEST_CACHE", raising=False)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder."""
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture(scope="session")
def golden_cases() -> list[dict[str, Any]]:
    """Cases whose answers were computed by Docker's own code."""
    with gzip.open(DATA / "dockerignore.json.gz") as file:
        cases: list[dict[str, Any]] = json.load(file)
    return cases


@pytest.fixture
def make_tree(tmp_path: Path) -> MakeTree:
    """Make files of `{path: content}`; `None` makes a directory, `-> x` a symbolic link to x."""

    def make(files: Mapping[str, Content]) -> Path:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                place.mkdir(exist_ok=True)
            elif isinstance(content, bytes):
                place.write_bytes(content)
            elif content.startswith("-> "):
                os.symlink(content[3:], place)
            else:
                place.write_text(content)
        return root

    return make
