"""Packages whose names are loaded when they are first asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from imagebuilders.lazy_names import lazy_names

PACKAGES = ["imagebuilders.container_registries", "imagebuilders.evaluation"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there(package: str) -> None:
    """Each name that a package lists can be asked for."""
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_names_for_type_checkers_are_the_same(package: str) -> None:
    """What type checkers see is what is loaded, from the same modules."""
    module = import_module(package)
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    (checked,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    (homes,) = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    assert seen == ast.literal_eval(homes)
    assert sorted(seen) == sorted(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_alone_loads_nothing(package: str) -> None:
    """Importing the package imports none of its modules."""
    code = f"import {package}, sys; print(*(m for m in sys.modules if m.startswith('{package}.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


def test_unknown_name() -> None:
    """A misspelled name is an AttributeError that names it and the package."""
    load = lazy_names("imagebuilders.evaluation", {})
    with pytest.raises(AttributeError, match=r"'imagebuilders\.evaluation' has no attribute 'pan'"):
        load("pan")
