"""The stages of a Dockerfile while they are resolved, and what depends on what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from imagebuilders.dockerfile import Instruction
from imagebuilders.dockerfile.suggestions import suggestion
from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.image_draft import ImageDraft
from imagebuilders.evaluation.steps import (
    Copy,
    ImageOrigin,
    Lines,
    Origin,
    Run,
    ScratchOrigin,
    Stage,
    StageOrigin,
    Step,
)
from imagebuilders.evaluation.variables import Environment
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import quote, to_lower
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform

SCRATCH = "scratch"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def lines_of(instruction: Instruction) -> Lines:
    """Return where an instruction stands."""
    return Lines(instruction.line, instruction.end_line)


@dataclass(eq=False)
class Command:
    """An instruction of a stage.

    Attributes:
        instruction: as it stands in the file, or in the base's configuration.
        lines: where it counts as standing.
        sources: the stages and images it takes files from, one for each mount of a RUN.
        trigger: it comes from an ONBUILD of the base.
    """

    instruction: Instruction
    lines: Lines
    sources: tuple[StageState, ...] = ()
    trigger: bool = False


@dataclass(eq=False)
class StageState:
    """A stage, or an image that an instruction takes files from.

    Attributes:
        base_name: the image or stage behind FROM, variables replaced.
        lines: where the FROM, or the instruction that names the image, stands.
        name: in lower case; empty without one.
        title: what it is called in titles and errors.
        index: the number of the stage; -1 of what is none.
        written_base: the base as it is written.
        is_stage: it begins with a FROM.
        platform: what its commands run on, as soon as that is known.
        named_context: the one that stands for this stage.
        base: the stage it begins with.
        origin: what it begins with.
        image: its configuration so far.
        environment: its variables, arguments included.
        arguments: names and values of its ARGs.
        commands, dependencies: of it.
        steps: what its commands were resolved to.
        resolved: its base is known.
        dispatched: its steps are resolved, so that files can be taken from it.
        triggers_read: the triggers of its base were put in front of its commands.
        has_working_dir: a WORKDIR stands in it, or in its base within the file.
        used: where the one CMD, ENTRYPOINT or HEALTHCHECK so far stands.
        step_number, step_count: for titles.
    """

    base_name: str
    lines: Lines | None
    name: str = ""
    title: str = ""
    index: int = -1
    written_base: str = ""
    is_stage: bool = False
    platform: Platform | None = None
    named_context: str | None = None
    base: StageState | None = None
    origin: Origin = field(default_factory=ScratchOrigin)
    image: ImageDraft = field(default_factory=lambda: ImageDraft(Platform()))
    environment: Environment = field(default_factory=Environment)
    arguments: list[tuple[str, str | None]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    dependencies: list[StageState] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    resolved: bool = False
    dispatched: bool = False
    triggers_read: bool = False
    has_working_dir: bool = False
    used: dict[str, Lines] = field(default_factory=dict)
    step_number: int = 0
    step_count: int = 0

    @property
    def files(self) -> Origin:
        """Where its files are found: a stage, or what an image or context holds."""
        return StageOrigin(self.index) if self.is_stage else self.origin

    @property
    def base_image(self) -> Origin:
        """The image it begins with, also if that is not looked at; nothing for another stage."""
        if self.base is not None or not self.is_stage or self.base_name == SCRATCH:
            return ScratchOrigin()
        if isinstance(self.origin, ScratchOrigin):
            return ImageOrigin(self.base_name, self.runs_on)
        return self.origin

    @property
    def runs_on(self) -> Platform:
        """What its commands run on.

        Raises:
            ValueError: its base is not resolved yet.
        """
        if self.platform is None:
            raise ValueError(f"the platform of stage {self.index} is not known yet")
        return self.platform

    def inherit(self, frontend: Frontend) -> None:
        """Take over from the base what is known of it."""
        if self.base is None:
            return
        self.environment = self.base.environment.copy()
        self.platform = self.base.platform
        self.image = self.base.image.inherited(shared=not frontend.copies_inherited_settings)
        self.has_working_dir = self.base.has_working_dir
        self.arguments += self.base.arguments
        self.origin = self.base.files

    def depend_on(self, sources: Iterable[StageState]) -> None:
        """Remember what has to be there before this stage."""
        self.dependencies += [source for source in sources if source not in self.dependencies]


class Stages:
    """All stages, and the images that files are taken from.

    Attributes:
        all: in order, images behind the stages.
    """

    def __init__(self) -> None:
        self.all: list[StageState] = []
        self._by_name: dict[str, StageState] = {}

    def add(self, state: StageState) -> None:
        """Add a stage or image."""
        self.all.append(state)
        state.base = self._by_name.get(state.base_name)
        if state.name:
            self._by_name[state.name] = state

    def names(self) -> list[str]:
        """Return what stages are called, those without a name included."""
        return [state.title for state in self.all if state.title]

    def find(self, name: str) -> StageState | None:
        """Return the last stage of a name."""
        return self._by_name.get(to_lower(name))

    def target(self, name: str, frontend: Frontend) -> StageState:
        """Return the stage that a build is asked for.

        Raises:
            EvaluationError: there is none of that name.
        """
        if not name:
            return self.all[-1]
        state = self.find(name)
        if state is None:
            hint = ""
            if frontend.suggests_targets:
                hint = suggestion(name, self.names(), case_sensitive=True)
            told = quote(name) if frontend.quotes_targets else name
            raise EvaluationError(f"target stage {told} could not be found{hint}")
        return state

    def source(self, name: str, lines: Lines | None, *, by_index: bool) -> StageState:
        """Return the stage, or a new image, that a COPY or a mount takes files from.

        Args:
            name: as it is written.
            lines: where the instruction stands, for errors.
            by_index: a number is that of a stage.

        Raises:
            EvaluationError: there is no stage of that number.
        """
        if by_index and _INTEGER.fullmatch(name):
            if not 0 <= int(name) < len(self.all):
                raise EvaluationError(f"invalid stage index {int(name)}")
            return self.all[int(name)]
        return self.find(name) or StageState(name, lines)

    def add_images(self, sources: Iterable[StageState]) -> None:
        """Add the images among what a command takes files from."""
        for source in sources:
            if not source.is_stage:
                self.add(source)

    def check_cycles(self) -> None:
        """Refuse stages that take files from each other.

        Raises:
            EvaluationError: there are such stages.
        """
        visited: set[StageState] = set()
        for state in self.all:
            if _leads_to_cycle(state, visited):
                raise EvaluationError(f"circular dependency detected on stage: {state.title}")


def _leads_to_cycle(start: StageState, visited: set[StageState]) -> bool:
    if start in visited:
        return False
    visited.add(start)
    path = {start: iter(start.dependencies)}
    while path:
        state, dependencies = next(reversed(path.items()))
        dependency = next(dependencies, None)
        if dependency is None:
            del path[state]
        elif dependency in path:
            return True
        elif dependency not in visited:
            visited.add(dependency)
            path[dependency] = iter(dependency.dependencies)
    return False


def needed_by(target: StageState) -> set[StageState]:
    """Return a stage and all it depends on."""
    needed = {target}
    waiting = [target]
    while waiting:
        for state in _next_to(waiting.pop()):
            if state not in needed:
                needed.add(state)
                waiting.append(state)
    return needed


def _next_to(state: StageState) -> Iterator[StageState]:
    if state.base is not None:
        yield state.base
    yield from state.dependencies


def built_stages(stages: Sequence[Stage], target: int) -> list[Stage]:
    """Return the stages, of which only those are needed that the target's result is made of.

    What a stage names is looked at, and warned of, even if a named context stands for the stage;
    it is not built then.

    Args:
        stages: all of them, resolved.
        target: the one that is built.
    """
    built, waiting = {target}, [target]
    while waiting:
        for index in _built_from(stages[waiting.pop()]):
            if index not in built:
                built.add(index)
                waiting.append(index)
    return [
        stage if stage.index in built else replace(stage, steps=(), needed=False)
        for stage in stages
    ]


def _built_from(stage: Stage) -> Iterator[int]:
    origins: list[object] = [stage.base]
    for step in stage.steps:
        if isinstance(step, Copy):
            origins.append(step.origin)
        elif isinstance(step, Run):
            origins += [mount.origin for mount in step.mounts]
    yield from (origin.index for origin in origins if isinstance(origin, StageOrigin))
