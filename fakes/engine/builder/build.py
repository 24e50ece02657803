"""A build, from the plan to the last line of its stream."""

from __future__ import annotations

from dataclasses import replace

from ...http.messages import ConnectionCutError
from ...images.config import RunConfig
from ...records import BuildRecord, StepRecord
from ..dockerfile.dialect import Dialect
from ..dockerfile.instructions import Instruction, interpret_trigger
from ..dockerfile.plan import BuildPlan, Stage
from ..dockerfile.words import process_word
from ..errors import ApiError, DockerfileError, StepError
from ..platforms import parse_platform
from . import base_images, steps
from .arguments import BuildArguments
from .config_step import config_step, workdir_step
from .context import SentContext
from .copy_step import copy_step
from .host import BuildHost
from .intermediate import remove_containers
from .messages import Messages, said
from .options import BuildOptions
from .run import run_step
from .state import BuildState, StageState

_STEPS = {"copy": copy_step, "add": copy_step, "run": run_step, "workdir": workdir_step}
_Failure = (StepError, DockerfileError, ApiError)


class Build:
    """One run of the classic builder."""

    def __init__(
        self,
        host: BuildHost,
        plan: BuildPlan,
        context: SentContext,
        options: BuildOptions,
        record: BuildRecord,
    ) -> None:
        self._host = host
        self._plan = plan
        self._options = options
        self._record = record
        self._state = BuildState(host, context, options, plan.syntax)
        self._total = len(plan.meta_args) + len(plan.stages)
        self._total += sum(len(stage.steps) for stage in plan.stages)

    def run(self) -> Messages:
        """Build; the messages as they come.

        Raises:
            StepError: when a step fails. What was printed before has been yielded.
        """
        try:
            yield from self._run()
        except (DockerfileError, ApiError) as error:
            raise StepError(error.message) from error

    def _run(self) -> Messages:
        arguments = BuildArguments(self._options.build_args)
        yield from self._warn()
        for meta in self._plan.meta_args:
            yield from self._announce(meta.code)
            env = arguments.visible()
            for name, value in meta.pairs:
                expanded = None if value is None else self._expand(value, env)
                arguments.declare(self._expand(name, env), expanded, meta=True)
        for stage in self._plan.stages:
            yield from self._stage(stage, arguments)
        if unused := arguments.unused():
            yield said(f"[Warning] One or more build-args [{' '.join(unused)}] were not consumed\n")
        if not self._state.stages:
            # The engine crashes on a Dockerfile that is only ARGs.
            raise ConnectionCutError("the client went away")
        final = self._state.stages[-1]
        if final.image is None:
            raise StepError("No image was generated. Is your Dockerfile empty?")
        self._record.image_id = final.image_id
        yield said(f"Successfully built {final.image_id[7:19]}\n")
        for reference in self._options.tags:
            self._host.images.retag(reference, final.image)
            yield said(f"Successfully tagged {reference}\n")

    def _warn(self) -> Messages:
        texts = self._plan.warnings
        if texts and self._host.state.version < "23.0":
            texts = ["\n".join(texts)]
        for text in texts:
            yield said(f"\x1b[91m{text}\n\x1b[0m")

    def _expand(self, word: str, env: dict[str, str]) -> str:
        return process_word(word, env, self._plan.syntax)

    def _announce(self, code: str) -> Messages:
        self._state.step = StepRecord(len(self._record.steps) + 1, code)
        self._record.steps.append(self._state.step)
        yield said(f"Step {self._state.step.number}/{self._total} : {code}")
        yield said("\n")

    # --- stages ---------------------------------------------------------------

    def _stage(self, stage: Stage, arguments: BuildArguments) -> Messages:
        if stage.name and any(done.name == stage.name for done in self._state.stages):
            raise StepError(f"{stage.name} stage name already used")
        state = StageState(RunConfig(), arguments.for_stage(), name=stage.name)
        yield from self._announce(stage.code)
        yield from self._begin(state, stage)
        yield from self._finish_step(state)
        for instruction in stage.steps:
            yield from self._announce(instruction.code)
            yield from self._step(state, instruction)
            yield from self._finish_step(state)
        if state.image_id:
            yield {"aux": {"ID": state.image_id}}
        arguments.referenced |= state.arguments.referenced
        self._state.stages.append(state)

    def _finish_step(self, state: StageState) -> Messages:
        state.config.image = self._state.step.image_id = state.image_id
        yield said(f" ---> {state.image_id[7:19]}\n")

    def _begin(self, state: StageState, stage: Stage) -> Messages:
        env = state.arguments.visible_to_from()
        platform = self._options.platform
        if stage.platform:
            expanded = self._expand(stage.platform, env)
            try:
                platform = parse_platform(expanded)
            except ApiError as error:
                raise StepError(f"failed to parse platform {expanded}: {error.message}") from error
        name = self._expand(stage.base, env)
        if not name:
            raise StepError(f"base name ({stage.base}) should not be blank")
        base_images.look_at_cache_sources(self._state)
        if platform is not None:
            state.os = platform.os
        base = next((done for done in self._state.stages if done.name == name.lower()), None)
        if base is not None:
            state.begin(base.image)
        elif name == "scratch":
            state.begin(None)
        else:
            state.begin((yield from base_images.base_image(self._state, name, platform)))
        if triggers := state.config.on_build:
            state.config.on_build = None
            plural = "s" if len(triggers) > 1 else ""
            yield said(f"# Executing {len(triggers)} build trigger{plural}\n")
            for trigger in triggers:
                state.config.image = state.image_id
                dialect = Dialect(self._host.state.version)
                yield from self._step(state, interpret_trigger(trigger, dialect))

    # --- steps ----------------------------------------------------------------

    def _step(self, state: StageState, instruction: Instruction) -> Messages:
        try:
            self._host.faults.before_step(instruction.keyword)
            instruction = _copy_of(instruction)
            steps.expand(instruction, state, self._plan.syntax)
            yield from _STEPS.get(instruction.keyword, config_step)(self._state, state, instruction)
        except _Failure:
            if self._options.force_remove:
                yield from remove_containers(self._state)
            raise
        except GeneratorExit:
            if self._options.remove or self._options.force_remove:
                for _ in remove_containers(self._state):
                    """Nobody listens any more."""
            raise
        if self._options.remove or self._options.force_remove:
            yield from remove_containers(self._state)
        self._state.containers.clear()


def _copy_of(instruction: Instruction) -> Instruction:
    return replace(
        instruction,
        arguments=list(instruction.arguments),
        pairs=list(instruction.pairs),
        flags=dict(instruction.flags),
    )
