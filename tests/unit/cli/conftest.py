"""The command, run in this process with a stack of stand-ins."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from imagebuilders import BaseImageBuilder, BuildContext, DockerBuildOptions, Stack
from imagebuilders.artifact_stores import LocalArtifactStore
from imagebuilders.cli.main import main
from imagebuilders.container_registries import BaseContainerRegistry
from imagebuilders.events import Event, ImageBuilt, emit


@dataclass
class Call:
    """What a builder was asked for."""

    image_name: str
    context: BuildContext
    options: DockerBuildOptions
    container_registry: BaseContainerRegistry | None


class RecordingBuilder(BaseImageBuilder):
    """A third party's builder: notes what it is asked for, and tells of a build."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.before_build: Callable[[Call], object] = lambda call: None

    @property
    def is_building_locally(self) -> bool:
        """No."""
        return False

    def build(
        self,
        image_name: str,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Note the call, emit the events, push if there is a registry."""
        options = DockerBuildOptions.from_any(docker_build_options)
        call = Call(image_name, build_context, options, container_registry)
        self.calls.append(call)
        self.before_build(call)
        for event in self.events:
            emit(event)
        emit(ImageBuilt(image_name, "sha256:" + "1" * 64))
        return (
            image_name if container_registry is None else container_registry.push_image(image_name)
        )


class RecordingRegistry(BaseContainerRegistry):
    """A third party's registry: everything can be pushed to it."""

    def push_image(self, image_name: str) -> str:
        """Give a digest."""
        return f"{image_name.rpartition(':')[0]}@sha256:{'2' * 64}"


@dataclass
class Result:
    """How a run of the command ended."""

    code: int
    out: str
    err: str
    records: list[dict[str, object]] = field(init=False)

    def __post_init__(self) -> None:
        lines = self.out.splitlines()
        self.records = [json.loads(line) for line in lines if line.startswith("{")]


Run = Callable[..., Result]


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
    return cast(RecordingRegistry, made)
