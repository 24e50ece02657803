"""The package's public names, and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import imagebuilders


def test_dir_is_all() -> None:
    """`dir()` shows the public names and no others."""
    assert dir(imagebuilders) == sorted(imagebuilders.__all__)
    assert len(set(imagebuilders.__all__)) == len(imagebuilders.__all__)


def test_version() -> None:
    """The version is that of the installed distribution, and is known without its metadata."""
    assert imagebuilders.__version__ == version("imagebuilders")
    code = "import imagebuilders, sys; print(imagebuilders.__version__, *sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert found[0] == imagebuilders.__version__
    assert "importlib.metadata" not in found


@pytest.mark.parametrize("name", imagebuilders.__all__)
def test_every_name_is_there(name: str) -> None:
    """Each public name can be imported, is documented, and knows its home."""
    value = getattr(imagebuilders, name)
    assert callable(value)
    assert value.__name__ == name
    assert value.__doc__
    assert getattr(import_module(value.__module__), name) is value


def test_names_for_type_checkers_are_the_same() -> None:
    """What type checkers see is what is loaded, from the same modules."""
    tree = ast.parse(Path(str(imagebuilders.__file__)).read_text(encoding="utf-8"))
    (checked,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    homes = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == imagebuilders._HOMES
    assert sorted(homes) == sorted(imagebuilders.__all__)


def test_unknown_name() -> None:
    """A misspelled name is an AttributeError that names it."""
    with pytest.raises(AttributeError, match="'imagebuilders' has no attribute 'BuildContest'"):
        _ = imagebuilders.BuildContest


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("import imagebuilders", id="import"),
        pytest.param("from imagebuilders.cli.main import main", id="command"),
        pytest.param("import runpy; runpy.run_module('imagebuilders')", id="module"),
    ],
)
def test_windows_is_refused_with_words(start: str) -> None:
    """On Windows the first import ends, and says where the package runs."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.platform = 'win32'; {start}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("ImportError: imagebuilders runs on Linux and macOS")
    assert "WSL 2" in last


def imported_by(code: str) -> set[str]:
    """Give the top-level modules that a fresh interpreter has after running `code`."""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys\nprint(*{{m.partition('.')[0] for m in sys.modules}})",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(result.stdout.split())


HEAVY = {"docker", "requests", "boto3", "botocore", "fsspec"}
NOT_NEEDED_AT_ONCE = {"pydantic", "pydantic_settings", "rich", "click", "isal", "fakes"}


def test_import_is_cheap() -> None:
    """`import imagebuilders` loads neither a dependency nor a module of its own."""
    code = (
        "import imagebuilders, sys\n"
        "own = [m for m in sys.modules if m.startswith('imagebuilders.')]\n"
        "assert own == [], own"
    )
    assert not imported_by(code) & (HEAVY | NOT_NEEDED_AT_ONCE)


def test_names_are_cheap() -> None:
    """No public name needs a Docker client, a cloud library or the terminal to be loaded."""
    unwanted = HEAVY | {"rich", "click", "fakes"}
    assert not imported_by("from imagebuilders import *") & unwanted


def test_reading_the_stack_is_cheap(tmp_path: Path) -> None:
    """The default stack is made without an engine's client or a cloud library."""
    code = (
        f"import os; os.chdir({str(tmp_path)!r})\n"
        "from imagebuilders import Client\n"
        "Client().active_stack"
    )
    assert not imported_by(code) & {"docker", "boto3", "botocore"}
