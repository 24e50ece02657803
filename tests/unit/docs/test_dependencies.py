"""The page of dependencies names each that `pyproject.toml` has, and no other."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_ROOT = Path(__file__).resolve().parents[3]
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MODULES = {
    "protobuf": "google.protobuf",
    "pyyaml": "yaml",
    "pydantic-settings": "pydantic_settings",
}


def _tables() -> list[dict[str, list[str]]]:
    """Each table of the page: the cells of a row by the name in its first."""
    tables: list[dict[str, list[str]]] = []
    for line in (_ROOT / "docs/dependencies.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| package |"):
            tables.append({})
        elif line.startswith("| `"):
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            tables[-1][first.strip("`")] = cells
    return tables


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    return project


def _names(requirements: list[str]) -> set[str]:
    return {found[0] for one in requirements if (found := _NAME.match(one))}


def test_what_every_installation_brings_is_explained() -> None:
    """Each dependency has a row with what needs it and what imports it."""
    always, _ = _tables()
    assert set(always) == _names(_project()["dependencies"])
    assert all(len(cells) == 2 and all(cells) for cells in always.values())


def test_what_extras_bring_is_explained() -> None:
    """Each package of an extra has a row that names its extras."""
    _, extras = _tables()
    found: dict[str, set[str]] = {}
    for extra, requirements in _project()["optional-dependencies"].items():
        for name in _names(requirements):
            found.setdefault(name, set()).add(extra)
    assert {
        name: set(re.findall(r"`([^`]+)`", cells[0])) for name, cells in extras.items()
    } == found


@pytest.mark.parametrize("name", sorted(_names(_project()["dependencies"])))
def test_each_dependency_is_used(name: str) -> None:
    """A module of the building side imports it; what tests alone need is in extras and groups."""
    module = re.escape(_MODULES.get(name, name.replace("-", "_")))
    imported = re.compile(rf"(?:^\s*(?:from|import) |import_module\(\"){module}\b", re.MULTILINE)
    assert any(
        imported.search(path.read_text()) for path in (_ROOT / "imagebuilders").rglob("*.py")
    )
