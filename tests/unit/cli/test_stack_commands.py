"""`imagebuilders stack show` and `imagebuilders flavors`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imagebuilders import Stack

if TYPE_CHECKING:
    from command_line import RecordingRegistry, Run


@pytest.fixture
def project(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose settings are only those that a test gives."""
    for name in list(os.environ):
        if name.startswith("IMAGEBUILDERS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return folder


def test_defaults(run: Run, project: Path, tmp_path: Path) -> None:
    """Without settings the defaults are shown, and that there is no file."""
    result = run("stack", "show")
    assert result.code == 0
    assert result.out.splitlines() == [
        "stack default (no stack file)",
        "",
        "image_builder: local  (default)",
        "  builder  classic  (default)",
        "",
        "artifact_store: local  (default)",
        f"  path  {tmp_path}/data/imagebuilders/artifacts  (default)",
        "",
        "container_registry: none",
    ]


def test_origins(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting stands with the file or variable that gave it; passwords are hidden."""
    file = project / "imagebuilders.toml"
    file.write_text('name = "dev"\n[container_registry]\nuri = "registry.example"\n')
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__USERNAME", "ann")
    monkeypatch.setenv("IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD", "hunter2")
    result = run("stack", "show")
    assert "hunter2" not in result.out
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[0] == f"stack dev ({file})"
    assert f"uri registry.example ({file})" in lines
    assert "password ********** (IMAGEBUILDERS_CONTAINER_REGISTRY__PASSWORD)" in lines


def test_json(run: Run, project: Path) -> None:
    """The same as one object."""
    (project / "imagebuilders.toml").write_text('[container_registry]\nuri = "registry.example"\n')
    (record,) = run("stack", "show", "--json").records
    assert record["event"] == "stack"
    assert record["file"] == str(project / "imagebuilders.toml")
    components = record["components"]
    assert isinstance(components, list)
    assert [one["type"] for one in components] == [
        "image_builder",
        "artifact_store",
        "container_registry",
    ]
    assert components[2]["settings"][0] == {
        "key": "uri",
        "value": "registry.example",
        "origin": str(project / "imagebuilders.toml"),
    }


def test_stack_from_code(run: Run, stack: Stack, registry: RecordingRegistry) -> None:
    """Components that code put together are shown by their classes."""
    result = run("stack", "show")
    assert "stack mine (no stack file)" in result.out
    assert "RecordingBuilder  (code)" in result.out
    assert "registry.example" in result.out
    assert "password      not set" in result.out


def test_bad_file(run: Run, project: Path) -> None:
    """A wrong stack file is a mistake of the user: 2, and no traceback."""
    (project / "imagebuilders.toml").write_text("[image_bulder]\n")
    result = run("stack", "show")
    assert result.code == 2
    assert result.err.startswith(f"error: {project / 'imagebuilders.toml'}: image_bulder: ")
    (record,) = run("stack", "show", "--json").records
    assert record["details"] == {
        "file": str(project / "imagebuilders.toml"),
        "key": "image_bulder",
        "allowed": ["name", "image_builder", "artifact_store", "container_registry"],
    }


def test_flavors(run: Run, project: Path) -> None:
    """Every flavor is listed with its type and package."""
    result = run("flavors")
    assert result.code == 0
    header, *rows = [line.split() for line in result.out.splitlines()]
    assert header == ["TYPE", "FLAVOR", "PACKAGE", "PROBLEM"]
    assert ["image_builder", "local", "imagebuilders"] in [row[:3] for row in rows]
    assert ["artifact_store", "s3", "imagebuilders"] in [row[:3] for row in rows]


def test_broken_and_rival_flavors(
    run: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that does not load, or offers what another does, is listed with its problem."""
    site = tmp_path / "site"
    metadata = site / "crooked-2.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: crooked\nVersion: 2.0\n")
    (metadata / "entry_points.txt").write_text(
        "[imagebuilders.flavors]\n"
        "bent = crooked_flavors:Bent\n"
        "rival = imagebuilders.local_image_builder:LocalImageBuilderFlavor\n"
    )
    monkeypatch.syspath_prepend(site)
    result = run("flavors")
    assert result.code == 0
    assert "also offered by imagebuilders" in result.out
    assert "ModuleNotFoundError" in result.out.splitlines()[-1]
    records = run("flavors", "--json").records
    broken = next(
        record for record in records if record["entry_point"] == "bent = crooked_flavors:Bent"
    )
    assert (broken["type"], broken["flavor"], broken["package"]) == (None, None, "crooked 2.0")
    assert all(record["event"] == "flavor" for record in records)
    assert "crooked_flavors" not in sys.modules
