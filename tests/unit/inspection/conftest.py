"""Images to look into."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from image_layouts import LayoutWriter, archive


@pytest.fixture
def layout(tmp_path: Path) -> LayoutWriter:
    """An image layout to write to."""
    return LayoutWriter(tmp_path / "layout")


@pytest.fixture
def other_layout(tmp_path: Path) -> LayoutWriter:
    """A second one."""
    return LayoutWriter(tmp_path / "other")


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., str]:
    """Write an archive as `docker save` of older engines does; return its path."""

    def save(document: object, files: Mapping[str, bytes], name: str = "saved.tar") -> str:
        path = tmp_path / name
        content = {**files, "manifest.json": json.dumps(document).encode()}
        path.write_bytes(archive(content))
        return str(path)

    return save
