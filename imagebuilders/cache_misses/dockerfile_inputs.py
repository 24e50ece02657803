"""What the steps of a Dockerfile are made of, stage by stage.

Only RUN, COPY, ADD and WORKDIR are steps; what other instructions set counts where a step uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME
from imagebuilders.cache_misses.copied_files import ContextFiles
from imagebuilders.cache_misses.instruction_inputs import InstructionReader
from imagebuilders.cache_misses.scope import Scope, global_arguments
from imagebuilders.cache_misses.step_inputs import (
    SCRATCH,
    BuildInputs,
    Point,
    StepInputs,
    image_key,
)
from imagebuilders.dockerfile import Dockerfile, Instruction, Stage
from imagebuilders.go_text import to_lower
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.build_options.options import DockerBuildOptions
    from imagebuilders.cache_misses.fingerprints import Fingerprints

STEPS = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})


def read_inputs(
    dockerfile: Dockerfile,
    options: DockerBuildOptions,
    arguments: Mapping[str, str],
    files: ContextFiles,
    fingerprints: Fingerprints,
) -> BuildInputs:
    """Return what the steps of a Dockerfile are made of.

    Args:
        dockerfile: the Dockerfile.
        options: the build's options.
        arguments: the build arguments.
        files: the context.
        fingerprints: of values.
    """
    reader = _Reader(dockerfile, options, arguments, files, fingerprints)
    for stage in dockerfile.stages:
        reader.read_stage(stage)
    wanted = dockerfile.stage(options.target) if options.target else None
    number = len(dockerfile.stages) - 1 if wanted is None else wanted.number
    return BuildInputs(
        tuple(reader.steps), tuple(dict.fromkeys(reader.images)), reader.end_of(number)
    )


@dataclass(frozen=True)
class _StageEnd:
    """What a stage comes to."""

    point: Point
    scope: Scope
    base: str


class _Reader:
    """Goes through the stages."""

    def __init__(
        self,
        dockerfile: Dockerfile,
        options: DockerBuildOptions,
        arguments: Mapping[str, str],
        files: ContextFiles,
        fingerprints: Fingerprints,
    ) -> None:
        self.steps: list[StepInputs] = []
        self.images: list[str] = []
        self._dockerfile = dockerfile
        self._arguments = arguments
        self._globals = global_arguments(dockerfile, arguments)
        self._of = fingerprints.of
        self._instructions = InstructionReader(
            options, arguments, files, fingerprints, self._copied_point
        )
        self._ends: dict[int, _StageEnd] = {}
        self._contexts = {to_lower(name): value for name, value in options.build_contexts.items()}

    # --- stages ----------------------------------------------------------------

    def end_of(self, stage: int) -> Point:
        """Return what a stage comes to."""
        return self._ends[stage].point if stage in self._ends else SCRATCH

    def read_stage(self, stage: Stage) -> None:
        start, is_counted = self._start(stage)
        label = stage.name or f"stage-{stage.number}"
        end, number = start, 1 if is_counted else 0
        for instruction in stage.steps:
            if instruction.name in STEPS and not self._is_root_workdir(instruction, end.scope):
                number += 1
                step = self._step(instruction, end, label, number)
                self.steps.append(step)
                end = replace(end, point=len(self.steps) - 1)
            scope = end.scope.after(instruction, self._arguments, self._globals)
            end = replace(end, scope=scope)
        self._ends[stage.number] = end

    def _start(self, stage: Stage) -> tuple[_StageEnd, bool]:
        """Return what a stage begins with, and whether its FROM is a step of its own."""
        scope = Scope(self._globals, escape=self._dockerfile.escape)
        name = scope.expand(stage.base)[0]
        platform = scope.expand(stage.platform)[0]
        earlier = None if to_lower(name) in self._contexts else self._earlier(name, stage.number)
        if earlier is not None:
            return earlier, False
        key = self._image(name)
        if platform:
            key = f"{key} {platform}"
        is_counted = key != SCRATCH and to_lower(name) not in self._contexts
        return _StageEnd(key, Scope(escape=self._dockerfile.escape), key), is_counted

    def _earlier(self, name: str, before: int) -> _StageEnd | None:
        """Return what an earlier stage of a name comes to."""
        for stage in reversed(self._dockerfile.stages[:before]):
            if stage.name and stage.name == to_lower(name):
                return self._ends[stage.number]
        return None

    def _copied_point(self, name: str) -> Point | None:
        """Return what `--from` leads to; `None` for a context that is not known here."""
        if to_lower(name) in self._contexts:
            return None
        found = self._dockerfile.stage(name)
        if found is not None and found.number in self._ends:
            return self._ends[found.number].point
        return self._image(name)

    def _image(self, name: str) -> str:
        if name == SCRATCH:
            return SCRATCH
        context = self._contexts.get(to_lower(name))
        if context is None:
            key = image_key(name)
        elif context.startswith(TARGET_SCHEME):
            key = context
        else:
            key = f"context:{self._of(context)}"
        self.images.append(key)
        return key

    # --- steps -----------------------------------------------------------------

    def _is_root_workdir(self, instruction: Instruction, scope: Scope) -> bool:
        """Tell whether it is a `WORKDIR /`, for which nothing is to be done."""
        words = instruction.arguments
        if instruction.name != "WORKDIR" or not words:
            return False
        return set(scope.expand(words[0])[0]) == {"/"}

    def _step(self, instruction: Instruction, at: _StageEnd, stage: str, number: int) -> StepInputs:
        step = StepInputs(
            stage=stage,
            number=number,
            line=instruction.line,
            name=instruction.name,
            code=instruction.code,
            parent=at.point,
            base=at.base,
        )
        return self._instructions.read(step, instruction, at.scope)
