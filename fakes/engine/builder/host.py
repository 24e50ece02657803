"""What a build finds around it: the stores of its engine, and the rules of the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...shell.machines import Machines
from ...shell.run_rules import RunRules
from ..containers.store import ContainerStore
from ..images.store import ImageStore
from ..registries.access import RegistryAccess
from ..state import EngineState


class StepFaults(Protocol):
    """The faults that a test planned for steps."""

    def before_step(self, keyword: str) -> None:
        """Let a step begin, unless the engine is to die there."""
        ...

    def disk_is_full(self, place: str) -> bool:
        """Return whether there is no room at a place."""
        ...


@dataclass(frozen=True)
class BuildHost:
    """The engine, as far as a build knows it.

    Attributes:
        containers: with the images they are made from.
        registries: where bases are pulled from.
        rules: what RUN steps do.
        faults: what is to go wrong.
        machines: what evaluates commands; `None` if nothing does.
    """

    containers: ContainerStore
    registries: RegistryAccess
    rules: RunRules
    faults: StepFaults
    machines: Machines | None = None

    @property
    def images(self) -> ImageStore:
        """The images of the engine."""
        return self.containers.images

    @property
    def state(self) -> EngineState:
        """The floor of the engine."""
        return self.containers.state
