"""Image layouts as archives."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from imagebuilders import BuildContext, DaemonlessImageBuilder


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_an_archive_has_files_and_the_folders_above_them(tmp_path: Path, kind: str) -> None:
    """Folders alone have a slash at their end."""
    context = BuildContext()
    context.add_file("FROM scratch\nCOPY a /a\n", "Dockerfile")
    context.add_file("a", "a")
    path = tmp_path / "image.tar"
    DaemonlessImageBuilder().build("app:1", context, {"outputs": f"type={kind},dest={path}"})
    raw = path.read_bytes()
    with tarfile.open(path) as archive:
        entries = {entry.name: entry for entry in archive.getmembers()}
        folders = {name for name, entry in entries.items() if entry.isdir()}
        stored = {
            name: raw[entry.offset : entry.offset + 100].rstrip(b"\0").decode()
            for name, entry in entries.items()
        }
    assert folders == {"blobs", "blobs/sha256"}
    assert ("manifest.json" in entries) == (kind == "docker")
    assert stored == {name: f"{name}/" if name in folders else name for name in entries}
