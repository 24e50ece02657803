"""The tutorials do what they say, from an empty folder, with doubles in the place of services."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import metadata
from pathlib import Path

import pytest
from tutorials import Line, run, steps_of

from fakes import FakeDockerEngine

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted((_ROOT / "docs/tutorials").glob("[!i]*.md"))
# What is installed already is not downloaded; that it is asked for by its right name is seen.
_PIP = """\
#!/bin/sh
[ "$1" = install ] && shift
for wanted in "$@"; do
  case " imagebuilders EXTRAS " in *" $wanted "*) ;; *) echo "no $wanted"; exit 1 ;; esac
done
"""
_PORTS = ("5000", "1234", "1235")


@pytest.fixture
def environment(fake_docker_host: str, tmp_path: Path) -> Mapping[str, str]:
    """A shell of a user who has set nothing, with the engine double as the machine's engine."""
    commands = tmp_path / "commands"
    commands.mkdir()
    extras = metadata("imagebuilders").get_all("Provides-Extra") or []
    pip = commands / "pip"
    pip.write_text(_PIP.replace("EXTRAS", " ".join(f"imagebuilders[{each}]" for each in extras)))
    pip.chmod(0o755)
    kept = ("LANG", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": f"{commands}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "DOCKER_HOST": fake_docker_host,
    }


@pytest.mark.fake_docker_engine(version="28.5")
@pytest.mark.parametrize("page", _PAGES, ids=lambda path: path.stem)
def test_tutorials(
    page: Path, tmp_path: Path, environment: Mapping[str, str], fake_docker_engine: FakeDockerEngine
) -> None:
    """Each line of a tutorial ends and prints as the page says."""
    fake_docker_engine.seed_hub("python:3.12-slim")
    folder = tmp_path / "empty"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    wrong = run(_with_free_ports(page.read_text()), folder, environment)
    assert wrong == []


def test_each_tutorial_is_in_the_list() -> None:
    """The list of tutorials has all of them."""
    listed = re.findall(
        r"^- \[\]\((.+?)\.md\)", (_ROOT / "docs/tutorials/index.md").read_text(), re.M
    )
    assert sorted(listed) == [page.stem for page in _PAGES]


def test_jobs_run_what_is_tried() -> None:
    """What the workflows of the tutorial about CI run is among the lines that the page types."""
    steps = steps_of((_ROOT / "docs/tutorials/ci.md").read_text())
    typed = {step.typed for step in steps if isinstance(step, Line)}
    files = dict(step for step in steps if isinstance(step, tuple))
    jobs = files[".github/workflows/image.yml"] + files[".gitlab-ci.yml"]
    commands = re.findall(r"(?:run:|^    -) ((?:pip|pytest|python) .*)$", jobs, re.M)
    assert len(commands) == 7
    assert set(commands) - typed <= {"pip install imagebuilders"}


def _with_free_ports(text: str) -> str:
    """Put ports that are free in the place of the page's."""
    with ExitStack() as opened:
        listeners = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _PORTS]
        ports = [str(listener.getsockname()[1]) for listener in listeners]
    text = text.replace("fakes registry", "fakes registry --listen 127.0.0.1:5000")
    text = text.replace("localhost:5000", "127.0.0.1:5000")
    for port, free in zip(_PORTS, ports, strict=True):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
    return text
