"""What a build tells of its steps."""

from __future__ import annotations

from imagebuilders.cache_misses.records import State
from imagebuilders.events import (
    BuildStarted,
    Event,
    StepAdded,
    StepCached,
    StepFinished,
    StepStarted,
)
from imagebuilders.lazy_dataclass import dataclass


@dataclass
class ToldStep:
    """A step of the Dockerfile, as events tell of it.

    Attributes:
        instruction: what the builder calls it.
        step_id, stage, number: as in the events.
        is_cached, is_finished: whether its result came from the cache, and whether it ended.
        error: why it failed.
    """

    instruction: str
    step_id: str
    stage: str
    number: int
    is_cached: bool = False
    is_finished: bool = False
    error: str = ""

    @property
    def state(self) -> State:
        """What became of it."""
        if self.is_cached:
            return "cached"
        return "built" if self.is_finished and not self.error else "ended"

    @property
    def was_missed(self) -> bool:
        """Whether it was executed, as its result was not in the cache."""
        return self.is_finished and not self.is_cached and "cancel" not in self.error

    def is_a(self, keyword: str) -> bool:
        """Return whether it carries out an instruction of a keyword."""
        return self.instruction.upper().startswith(f"{keyword} ")


class ToldSteps:
    """Hears the events of one build.

    Attributes:
        daemon: what builds, in the builder's words.
        foreign: the IDs of steps of other builds that this one builds upon, and tells of as well.
    """

    def __init__(self) -> None:
        """Begin."""
        self.daemon = ""
        self.foreign: frozenset[str] = frozenset()
        self._by_id: dict[str, ToldStep] = {}

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case BuildStarted():
                self.daemon = event.engine
            case StepAdded() | StepStarted() if event.number:
                self._note(event)
            case StepCached():
                if event.step_id in self._by_id:
                    self._by_id[event.step_id].is_cached = True
            case StepFinished():
                step = self._by_id.get(event.step_id)
                if step is not None:
                    step.is_finished = True
                    step.is_cached = step.is_cached or event.cached
                    step.error = event.error
            case _:
                pass

    def _note(self, event: StepAdded | StepStarted) -> None:
        self._by_id.setdefault(
            event.step_id,
            ToldStep(event.instruction, event.step_id, event.stage, event.number),
        )

    @property
    def instructions(self) -> list[str]:
        """What the steps are called."""
        return [step.instruction for step in self._by_id.values()]

    def of_stage(self, *names: str) -> list[ToldStep]:
        """Return the build's own steps of a stage.

        Args:
            names: what the stage may be called.
        """
        return [
            step
            for step in self._by_id.values()
            if step.stage in names and step.step_id not in self.foreign
        ]
