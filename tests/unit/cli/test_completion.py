"""What shells complete."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command_line import Run


@pytest.fixture
def complete(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], list[str]]:
    """Return what completes a line, as bash asks for it."""
    (folder / "app" / "Dockerfile").write_text("FROM a AS build\nFROM b AS web\nFROM c\n")
    config = tmp_path / "docker"
    (config / "buildx" / "instances").mkdir(parents=True)
    (config / "buildx" / "instances" / "farm").write_text("{}")
    meta = config / "contexts" / "meta" / "abc"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": "far-away"}))
    (meta.parent / "broken").mkdir()
    (meta.parent / "broken" / "meta.json").write_text("no")
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    monkeypatch.delenv("BUILDX_CONFIG", raising=False)

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_IMAGEBUILDERS_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        return [each.partition(",")[2] or each for each in run().out.split()]

    return completed


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("imagebuilders bu", ["build"]),
        ("imagebuilders context di", ["digest"]),
        ("imagebuilders build --tar", ["--target"]),
        ("imagebuilders build app --target ", ["build", "web"]),
        ("imagebuilders build app --target w", ["web"]),
        ("imagebuilders build app -f app/Dockerfile --no-cache-filter b", ["build"]),
        ("imagebuilders build nowhere --target ", []),
        ("imagebuilders build --builder d", ["daemonless"]),
        ("imagebuilders build --builder fa", ["farm", "far-away"]),
        ("imagebuilders bake --builder loc", ["local"]),
        ("imagebuilders history --builder cl", ["classic"]),
        ("imagebuilders build --progress raw", ["rawjson"]),
        ("imagebuilders build --call t", ["targets"]),
        ("imagebuilders build --platform linux/am", ["linux/amd64"]),
        ("imagebuilders plan app --target w", ["web"]),
        ("imagebuilders split app --target b", ["build"]),
        ("imagebuilders completion f", ["fish"]),
    ],
)
def test_what_is_completed(
    complete: Callable[[str], list[str]], line: str, found: list[str]
) -> None:
    """Commands, flags, stages, builders, and words that a flag takes."""
    assert complete(line) == found


def test_files_are_the_shells(complete: Callable[[str], list[str]]) -> None:
    """It is told which kind is wanted."""
    assert complete("imagebuilders build ap") == ["ap"]
    assert complete("imagebuilders build app -f Dock") == ["Dock"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts(run: Run, shell: str) -> None:
    """Each asks the program, and is a script that its shell can read."""
    result = run("completion", shell)
    assert result.code == 0
    assert f"_IMAGEBUILDERS_COMPLETE={shell}_complete" in result.out
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=result.out.encode(), check=True)


def test_other_shells(run: Run) -> None:
    """They are refused with those that there are."""
    result = run("completion", "tcsh")
    assert result.code == 2
    assert "bash" in result.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_itself(run: Run, tmp_path: Path) -> None:
    """The function that the script defines fills in what the program says."""
    (tmp_path / "imagebuilders").write_text("#!/bin/sh\nprintf 'plain,%s\\n' build bake\n")
    (tmp_path / "imagebuilders").chmod(0o755)
    script = run("completion", "bash").out
    calls = "COMP_WORDS=(imagebuilders b); COMP_CWORD=1; _imagebuilders_completion imagebuilders"
    ended = subprocess.run(
        ["bash", "-c", f'{script}\n{calls}; printf "%s\\n" "${{COMPREPLY[@]}}"'],
        capture_output=True,
        text=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
    )
    assert ended.stdout.split() == ["build", "bake"]
