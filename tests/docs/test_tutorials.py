"""The tutorials do what they say, from an empty folder, with doubles in the place of services."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tutorials import Line, run, steps_of, with_free_ports

from fakes import FakeDockerEngine

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted((_ROOT / "docs/tutorials").glob("[!i]*.md"))


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
    wrong = run(with_free_ports(page.read_text()), folder, environment)
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
