"""The command, run in this process with a stack of stand-ins."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import RecordingBuilder, RecordingRegistry, Result, Run

from imagebuilders import Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.cli.main import main


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with these arguments."""

    def runner(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(arguments)
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return runner


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with an application in `app`."""
    app = tmp_path / "work" / "app"
    app.mkdir(parents=True)
    (app / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    monkeypatch.chdir(app.parent)
    return app.parent


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Keep settings of any kind of whoever runs the tests out; for further variables."""
    for name in list(os.environ):
        if name.startswith(("IMAGEBUILDERS_", "DOCKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return monkeypatch


@pytest.fixture
def builder() -> RecordingBuilder:
    """The active stack's image builder."""
    return RecordingBuilder()


@pytest.fixture
def stack(builder: RecordingBuilder, tmp_path: Path, folder: Path) -> Iterator[Stack]:
    """The active stack, without a registry."""
    store = LocalArtifactStore(path=str(tmp_path / "store"))
    with Stack(image_builder=builder, artifact_store=store, name="mine").activate() as active:
        yield active


@pytest.fixture
def registry(stack: Stack) -> RecordingRegistry:
    """A registry in the active stack."""
    made = RecordingRegistry(uri="registry.example")
    stack.container_registry = made
    return made
