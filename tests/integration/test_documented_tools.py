"""The page about other tools: its examples for clients that only these tests have installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "other-tools.md"
_BLOCK = re.compile(
    r"^<!-- not run: (\w+) is not among the unit tests' dependencies -->\n+```python\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_EXAMPLES = dict(_BLOCK.findall(_PAGE.read_text(encoding="utf-8")))


def test_all_are_here() -> None:
    """The page has examples for the clients that are installed for them."""
    assert sorted(_EXAMPLES) == ["aiodocker", "testcontainers"]


@pytest.mark.parametrize("client", sorted(_EXAMPLES))
def test_example(client: str, tmp_path: Path) -> None:
    """It passes as the only test of an empty folder."""
    (tmp_path / "test_example.py").write_text(_EXAMPLES[client])
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"],
        cwd=tmp_path,
        # As the page says for a machine that is a container itself.
        env={**os.environ, "TESTCONTAINERS_CONNECTION_MODE": "docker_host"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "1 passed" in told.stdout
