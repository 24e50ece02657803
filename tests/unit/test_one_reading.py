"""One build, push or upload reads each control file once, and asks each source once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import count_readings
import pytest

Count = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory) -> Count:
    """Return what a build, a push or an upload reads; each is done once, in its own process."""
    others = ("DOCKER", "IMAGEBUILDERS")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(others)}

    @cache
    def run(what: str) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp(what)
        command = [sys.executable, count_readings.__file__, what, str(folder)]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    return run


@pytest.mark.parametrize(
    ("what", "file", "times"),
    [
        ("build", "config.json", 1),
        ("build", "imagebuilders.toml", 1),
        ("build", "Dockerfile", 1),
        ("build", ".dockerignore", 1),
        ("buildkit-build", "config.json", 1),
        ("buildkit-build", "imagebuilders.toml", 1),
        ("buildkit-build", "Dockerfile", 1),
        ("buildkit-build", ".dockerignore", 1),
        ("buildkit-push", "config.json", 1),
        ("buildkit-push", "Dockerfile", 1),
        ("buildkit-push", ".dockerignore", 1),
        ("push", "config.json", 1),
        ("push", "imagebuilders.toml", 0),
        ("push", "Dockerfile", 1),
        ("push", ".dockerignore", 1),
        ("upload", "imagebuilders.toml", 1),
        ("upload", "config.json", 0),
        ("upload", "Dockerfile", 1),
        ("upload", ".dockerignore", 1),
    ],
)
def test_a_control_file_is_opened_once(count: Count, what: str, file: str, times: int) -> None:
    """What a later step needs is handed on, and what nobody needs is not read."""
    assert count(what)["opened"].get(file, 0) == times


@pytest.mark.parametrize("what", ["build", "push", "upload", "buildkit-build", "buildkit-push"])
def test_a_context_is_walked_once(count: Count, what: str) -> None:
    """Each of its folders is read once."""
    assert count(what)["walked"] == {".": 1, "below": 1}


def test_a_helper_is_started_once_for_a_registry(count: Count) -> None:
    """Login, base images and push share its answer."""
    started = count("push")["helper"]
    assert sorted(line.partition(" ")[0] for line in started) == ["get", "list"]
    assert sorted(line.partition(" ")[0] for line in count("build")["helper"]) == ["get", "list"]
    assert count("upload")["helper"] == []


def test_buildkit_asks_a_helper_for_the_registries_that_it_meets(count: Count) -> None:
    """So a build that meets none starts none, and a push one."""
    assert count("buildkit-build")["helper"] == []
    started = count("buildkit-push")["helper"]
    assert [line.partition(" ")[0] for line in started] == ["get"]


@pytest.mark.parametrize("what", ["build", "push", "buildkit-build", "buildkit-push"])
def test_the_engine_is_asked_for_its_version_once(count: Count, what: str) -> None:
    """The answer that finds it also describes it."""
    assert count(what)["requests"].count("/version") == 1
