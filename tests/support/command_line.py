"""A stack of stand-ins, and what a run of the command leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from imagebuilders import BaseImageBuilder, BuildContext, DockerBuildOptions
from imagebuilders.container_registries import BaseContainerRegistry
from imagebuilders.events import Event, ImageBuilt, emit


@dataclass
class Call:
    """What a builder was asked for."""

    image_name: str | None
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
        image_name: str | None,
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
        image_id = "sha256:" + "1" * 64
        emit(ImageBuilt(image_name or "", image_id))
        if image_name is None:
            return image_id
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
