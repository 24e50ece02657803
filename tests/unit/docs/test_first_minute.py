"""What whoever tries the project meets first: the README, and nox on an older Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import FakeDockerEngine

_ROOT = Path(__file__).resolve().parents[3]
_README = (_ROOT / "README.md").read_text()
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SITE = "https://imagebuilders.readthedocs.io/en/latest/"


def test_links_of_the_readme_are_whole() -> None:
    """PyPI shows the README by itself: each link has its host, and each of ours leads to a page."""
    links = _LINK.findall(_README)
    assert links
    for link in links:
        assert link.startswith("https://")
        if link.startswith(_SITE):
            name = link.removeprefix(_SITE).partition("#")[0]
            source = name.replace(".html", ".md") if name else "index.md"
            assert (_ROOT / "docs" / source).is_file(), link


def test_the_first_command_asks_for_the_python() -> None:
    """Each command from a clean clone says at once which Python is needed, before it downloads."""
    commands = [line for line in _README.splitlines() if line.startswith("$ python3")]
    assert len(commands) == 2
    for command in commands:
        check = command.removeprefix("$ ").partition(" && ")[0].replace("python3", sys.executable)
        assert subprocess.run(check, shell=True, check=False).returncode == 0
        older = check.replace("(3, 10)", "(4, 0)")
        run = subprocess.run(older, shell=True, capture_output=True, text=True, check=False)
        assert run.returncode == 1
        assert run.stderr == "Python 3.10 or newer is needed\n"


def test_nox_on_an_older_python() -> None:
    """nox says which Python is needed before it makes any environment."""
    noxfile = _ROOT / "noxfile.py"
    code = f"import runpy, sys; sys.version_info = (3, 9, 1); runpy.run_path({str(noxfile)!r})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("Python 3.10 or newer is needed; nox runs on ")


def _demonstrate(docker_host: str, home: Path) -> str:
    run = subprocess.run(
        [sys.executable, str(_ROOT / "examples" / "demo.py")],
        env={**os.environ, "DOCKER_HOST": docker_host, "HOME": str(home), "XDG_CACHE_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def test_the_demonstration_without_an_engine(tmp_path: Path) -> None:
    """It says that it takes the double, that nothing is sent twice, and leaves nothing behind."""
    said = _demonstrate("unix:///no/such.sock", tmp_path)
    assert said.startswith("Building with the embedded double, which runs no RUN")
    assert "Nothing was sent again." in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fake_docker_engine(version="28.5")
def test_the_demonstration_on_an_engine(
    tmp_path: Path, fake_docker_host: str, fake_docker_engine: FakeDockerEngine
) -> None:
    """It builds on the engine that it finds, and takes its image away."""
    said = _demonstrate(fake_docker_host, tmp_path)
    assert said.startswith("Building with Docker Engine 28.5")
    assert fake_docker_engine.builds
    assert not fake_docker_engine.images.all()
    assert list(tmp_path.iterdir()) == []
