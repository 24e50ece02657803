"""From a Dockerfile to the stages and steps of one platform, as BuildKit's frontend resolves them.

It goes the same way: the file is read and checked, the arguments before the first FROM are set,
stages find their bases and what they take files from, images are asked for, triggers are put in,
and the commands of the needed stages are resolved in order. Faults are told in this order, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from imagebuilders.evaluation.bases import Bases
from imagebuilders.evaluation.copy_instructions import copy_context
from imagebuilders.evaluation.exporting import exported_stage
from imagebuilders.evaluation.from_instructions import FromInstructions, check_defaults
from imagebuilders.evaluation.image_draft import DEFAULT_PATH, WINDOWS, ImageDraft
from imagebuilders.evaluation.instructions import Resolver
from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.outline import Outline, Outliner
from imagebuilders.evaluation.paths import working_dir
from imagebuilders.evaluation.questions import Images
from imagebuilders.evaluation.reading import read_dockerfile
from imagebuilders.evaluation.source_date_epoch import read_epoch, with_epoch
from imagebuilders.evaluation.stages import (
    SCRATCH,
    Stages,
    StageState,
    built_stages,
    lines_of,
    needed_by,
)
from imagebuilders.evaluation.steps import Lines, Stage
from imagebuilders.evaluation.take_from import sources_of
from imagebuilders.evaluation.triggers import add_triggers
from imagebuilders.evaluation.variables import (
    Environment,
    placed,
    platform_arguments,
    with_global_arguments,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform


@dataclass(frozen=True)
class Resolution:
    """A Dockerfile resolved for one platform.

    Attributes:
        platform: what the image is for.
        stages: all of them, in the file's order.
        target: the index of the stage that is built.
        warnings: in the order in which BuildKit tells them.
        outline: what can be given to the build.
        source_date_epoch: the seconds that times shall be; `None` for the build's own.
        syntax: the frontend's image that the file asks for; `None` without one.
    """

    platform: Platform
    stages: tuple[Stage, ...]
    target: int
    warnings: tuple[LintWarning, ...]
    outline: Outline
    source_date_epoch: int | None
    syntax: str | None

    @property
    def target_stage(self) -> Stage:
        """The stage that is built."""
        return self.stages[self.target]


def resolve(
    content: bytes,
    options: ResolveOptions,
    images: Images,
    *,
    warn: Callable[[LintWarning], None] | None = None,
) -> Resolution:
    """Resolve a Dockerfile for one platform.

    Args:
        content: the whole file.
        options: what is asked for.
        images: is asked for the configurations of images.
        warn: is told of each warning when it is found, also if an error follows. Without it
            nothing is warned of, and no warning makes the build fail.

    Raises:
        EvaluationError: it cannot be resolved; in BuildKit's words.
    """
    return _Resolution(content, options, images, warn).resolve()


class _Resolution:
    def __init__(
        self,
        content: bytes,
        options: ResolveOptions,
        images: Images,
        warn: Callable[[LintWarning], None] | None,
    ) -> None:
        self.options = options
        self.images = images
        self.warnings: list[LintWarning] = []
        self.warn = warn
        self.dockerfile, self.linter = read_dockerfile(
            content, options, None if warn is None else self._listen
        )
        self.escape = self.dockerfile.escape
        self.stages = Stages()
        self.outliner = Outliner()
        self.arguments = Environment()
        self.declared: tuple[str, ...] = ()
        self.epoch: int | None = None

    def _listen(self, warning: LintWarning) -> None:
        self.warnings.append(warning)
        if self.warn is not None:
            self.warn(warning)

    def resolve(self) -> Resolution:
        self._set_global_arguments()
        self._begin_stages()
        target = self.stages.target(self.options.target, self.options.frontend)
        self._find_sources()
        needed = self._find_bases(target)
        self._resolve_commands(needed)
        target.image.labels.update(self.options.labels)
        self.linter.check()
        _set_platform(target.image, self.options.platform)
        return self._result(target, needed)

    # --- arguments ------------------------------------------------------------

    def _set_global_arguments(self) -> None:
        written = self.dockerfile.global_args
        beginning = platform_arguments(self.options, self.dockerfile.stages[-1].name)
        check_defaults(self.dockerfile, beginning, self.linter, self.options.frontend)
        given = self.options.build_args
        self.arguments = beginning
        for instruction in written:
            with placed(lines_of(instruction), self.options.frontend):
                self.arguments = with_global_arguments(
                    self.arguments,
                    [instruction],
                    given,
                    self.escape,
                    self.options.frontend,
                )
        declared = [pair.name for instruction in written for pair in instruction.pairs]
        self.declared = tuple(dict.fromkeys([*declared, *self.arguments]))
        self.outliner.note_global(written, given, self.arguments, self.escape)
        self.epoch = read_epoch(self.options, self.arguments, self.dockerfile.stages, self.escape)
        self.options, self.arguments = with_epoch(self.options, self.arguments, self.epoch)

    def _begin_stages(self) -> None:
        instructions = FromInstructions(
            self.options, self.escape, self.arguments, self.declared, self.linter
        )
        for written in self.dockerfile.stages:
            state, used = instructions.begin(written)
            self.stages.add(state)
            if state.named_context is not None:
                state.base = None
                state.step_count, used = 0, frozenset()
            elif state.base is None and state.base_name != SCRATCH:
                state.step_count += 1
            self.outliner.begin(state, used)

    # --- what depends on what -------------------------------------------------

    def _find_sources(self) -> None:
        for state in list(self.stages.all):
            for command in state.commands:
                command.sources = sources_of(command.instruction, command.lines, self.stages)
                state.depend_on(command.sources)
                self.stages.add_images(command.sources)
        self.stages.check_cycles()
        if len(self.stages.all) == 1:
            self.stages.all[0].title = ""

    def _find_bases(self, target: StageState) -> set[StageState]:
        """Ask for images, and put triggers in, until these name nothing new."""
        bases = Bases(self.options, self.images, self.stages, self.linter)
        frontend = self.options.frontend
        seen: set[str] = set()
        while True:
            needed = set(self.stages.all) if self.options.all_stages else needed_by(target)
            for state in list(self.stages.all):
                if state.base is None and not state.dispatched and not state.resolved:
                    bases.resolve(state, needed=state in needed)
            found_new = False
            for state in [state for state in self.stages.all if state in needed]:
                state.inherit(frontend)
                if not state.is_stage and state.base_name in seen:
                    continue  # else an image whose trigger copies from itself would go on for ever
                seen.add(state.base_name)
                if add_triggers(state, self.stages, frontend):
                    found_new = True
            if not found_new:
                return needed

    # --- commands -------------------------------------------------------------

    def _resolve_commands(self, needed: set[StageState]) -> None:
        resolver = Resolver(
            self.options,
            self.escape,
            self.arguments,
            copy_context(self.options, self.linter),
            self.linter,
            self.outliner,
        )
        for state in self.stages.all:
            if state not in needed or state.dispatched:
                continue
            state.inherit(self.options.frontend)
            state.dispatched = True
            if state.platform is None:
                state.platform = self.options.target_platform
            _begin_environment(state)
            for command in state.commands:
                resolver.resolve(command, state)

    # --- result ---------------------------------------------------------------

    def _result(self, target: StageState, needed: set[StageState]) -> Resolution:
        written = self.dockerfile.stages
        stages = [_stage(one, needed=one in needed) for one in self.stages.all[: len(written)]]
        stages = stages if self.options.all_stages else built_stages(stages, target.index)
        stages[target.index] = exported_stage(stages, target.index)
        return Resolution(
            platform=target.image.platform,
            stages=tuple(stages),
            target=target.index,
            warnings=tuple(self.warnings),
            outline=self.outliner.outline(target, written[target.index].instruction),
            source_date_epoch=self.epoch,
            syntax=self.dockerfile.syntax,
        )


def _begin_environment(state: StageState) -> None:
    """Take the variables, the working directory and the user over from the base's image."""
    image = state.image
    system = state.runs_on.os
    if system != WINDOWS and not image.has_env("PATH"):
        image.env.append(f"PATH={DEFAULT_PATH}")
    for variable in image.env:
        name, _, value = variable.partition("=")
        state.environment.set(name, value)
    if image.working_dir:
        image.working_dir = working_dir(image.working_dir, image.working_dir, system)


def _set_platform(image: ImageDraft, wanted: Platform | None) -> None:
    """Label an image with the platform that was asked for."""
    found = image.platform
    if wanted is not None:
        same = (wanted.os, wanted.architecture) == (found.os, found.architecture)
        found = replace(
            found,
            os=wanted.os,
            architecture=wanted.architecture,
            variant=wanted.variant if wanted.variant or not same else found.variant,
            os_version=wanted.os_version if wanted.os_version or not same else found.os_version,
            os_features=wanted.os_features or found.os_features,
        )
    image.platform = found.normalized()


def _stage(state: StageState, *, needed: bool) -> Stage:
    return Stage(
        index=state.index,
        name=state.name,
        base=state.origin,
        platform=state.platform or Platform(),
        steps=tuple(state.steps) if needed else (),
        needed=needed,
        lines=state.lines or Lines(0, 0),
        image=state.image.freeze(),
        written_base=state.written_base,
    )
