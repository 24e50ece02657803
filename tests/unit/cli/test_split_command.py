"""`imagebuilders split`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_line import Run


@pytest.fixture
def app(tmp_path: Path) -> str:
    """A folder with a Dockerfile that runs a command."""
    folder = tmp_path / "shop"
    folder.mkdir()
    text = "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install\nCOPY . /app\n"
    (folder / "Dockerfile").write_text(text)
    return str(folder)


def test_both_parts_are_shown(run: Run, app: str) -> None:
    """With the lines, and what makes the base old."""
    result = run("split", app, "--base", "ghcr.io/team/base:deps")
    assert result.code == 0, result.err
    assert result.out == (
        "# The base, to line 3: commands stand in line 3.\n"
        "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install\n\n"
        "# On top, with --builder daemonless:\n"
        "FROM ghcr.io/team/base:deps\nCOPY . /app\n\n"
        "# When files change that line 2 takes, the base is built anew.\n"
    )


def test_json(run: Run, app: str) -> None:
    """One object."""
    found = json.loads(run("split", app, "--json").out)
    assert (found["needs_daemon"], found["base_end"]) == (True, 3)


def test_nothing_to_cut(run: Run) -> None:
    """It is said."""
    result = run("split", ".", "-f", "-", stdin=b"FROM scratch\nCOPY a /a\n")
    assert "Nothing needs a daemon" in result.out
