"""Which part of the packages may import which: the arrows point one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import imagebuilders

_ROOT = Path(imagebuilders.__file__).parents[1]

_BUILDERS = ("imagebuilders.base_image_builder", "imagebuilders.local_image_builder")
_RULES = [
    pytest.param(
        "imagebuilders", ("fakes", "pytest", "pytest_imagebuilders"), id="production-knows-no-fakes"
    ),
    pytest.param(
        "imagebuilders/context",
        (
            *("docker", "fsspec", "boto3", "imagebuilders.docker", "imagebuilders.stack"),
            *("imagebuilders.artifact_stores", "imagebuilders.container_registries"),
            *("imagebuilders.cli", *_BUILDERS),
        ),
        id="context-knows-no-docker",
    ),
    pytest.param(
        "imagebuilders/docker",
        ("imagebuilders.stack", "imagebuilders.cli", *_BUILDERS),
        id="docker-knows-no-builder",
    ),
    pytest.param(
        "imagebuilders/artifact_stores",
        ("docker", "imagebuilders.docker", "imagebuilders.cli", *_BUILDERS),
        id="stores-know-no-builder",
    ),
    pytest.param(
        "imagebuilders/local_image_builder.py",
        ("imagebuilders.cli", "rich", "click"),
        id="builder-knows-no-command-line",
    ),
    pytest.param(
        "imagebuilders/stack",
        ("docker", "fsspec", "rich", "click", "imagebuilders.docker", "imagebuilders.cli"),
        id="stack-knows-no-engine",
    ),
    pytest.param(
        "imagebuilders/container_registries",
        ("imagebuilders.cli", *_BUILDERS),
        id="registries-know-no-builder",
    ),
    pytest.param("fakes", ("imagebuilders.cli",), id="fakes-know-no-command-line"),
]


@cache
def _imports(file: Path) -> list[tuple[int, str]]:
    """Line and full name of what a module imports, lazily or for types alike."""
    return list(_found_imports(file))


def _found_imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize(("part", "forbidden"), _RULES)
def test_part_imports_nothing_that_stands_above_it(part: str, forbidden: tuple[str, ...]) -> None:
    """No module of the part imports a forbidden one, not even inside a function."""
    path = _ROOT / part
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert files
    crossed = [
        f"{file.relative_to(_ROOT)}:{line} imports {name}"
        for file in files
        for line, name in _imports(file)
        if any(name == module or name.startswith(f"{module}.") for module in forbidden)
    ]
    assert crossed == []
