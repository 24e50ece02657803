"""A build, from the request to the last line of its stream."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fakes.engine import messages
from fakes.engine.builder import bases, cache, intermediate, steps
from fakes.engine.builder.arguments import BuildArguments
from fakes.engine.builder.commit import commit_step
from fakes.engine.builder.context import ImageSource, SentContext
from fakes.engine.builder.copy import (
    Overlay,
    prepare_root,
)
from fakes.engine.builder.copy_step import copy_step
from fakes.engine.builder.options import BuildOptions
from fakes.engine.builder.restore import restore
from fakes.engine.builder.run import run_step
from fakes.engine.builder.state import StageState
from fakes.engine.dockerfile.dialect import Dialect
from fakes.engine.dockerfile.instructions import Instruction, interpret_trigger
from fakes.engine.dockerfile.plan import BuildPlan, Stage
from fakes.engine.dockerfile.words import process_word
from fakes.engine.errors import ApiError, DockerfileError, StepError
from fakes.engine.http import DisconnectError
from fakes.engine.images.config import RunConfig
from fakes.engine.images.store import Image
from fakes.engine.images.tar import STYLES
from fakes.engine.platforms import parse_platform
from fakes.engine.records import BuildRecord, StepRecord

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Message = dict[str, Any]


class Build:
    """One run of the classic builder.

    Attributes:
        hollow: the images of COPY steps that changed nothing.
    """

    def __init__(
        self,
        engine: FakeDockerEngine,
        plan: BuildPlan,
        context: SentContext,
        options: BuildOptions,
        record: BuildRecord,
    ) -> None:
        self.engine = engine
        self.store = engine.images
        self.plan = plan
        self.context = context
        self.options = options
        self.record = record
        self.stages: list[StageState] = []
        self._pending: list[Message] = []
        self._temporary: list[str] = []
        self._cache_sources: list[Image] = []
        self._step_cached = False
        self._executed: bool | None = None
        self._sources: dict[str, Image] = {}
        self.hollow: set[str] = set()

    # --- the stream -----------------------------------------------------------

    def emit(self, text: str) -> None:
        """A line of the builder's own output."""
        self._pending.append({"stream": text})

    def emit_message(self, message: Message) -> None:
        """Any other message, as of a pull."""
        self._pending.append(message)

    def _flush(self) -> Iterator[Message]:
        pending, self._pending = self._pending, []
        yield from pending

    def run(self) -> Iterator[Message]:
        """Build; the messages as they come.

        Raises:
            StepError: when a step fails. What was printed before has been yielded.
        """
        try:
            yield from self._run()
        except StepError:
            yield from self._flush()
            raise
        except DockerfileError as error:
            yield from self._flush()
            raise StepError(error.message) from error
        except ApiError as error:
            yield from self._flush()
            raise StepError(error.message) from error

    def _run(self) -> Iterator[Message]:
        arguments = BuildArguments(self.options.build_args)
        total = len(self.plan.meta_args) + len(self.plan.stages)
        total += sum(len(stage.steps) for stage in self.plan.stages)
        number = 0
        if self.plan.warnings:
            texts = self.plan.warnings
            if self.engine.version < "23.0":
                texts = ["\n".join(texts)]
            for text in texts:
                self.emit(f"\x1b[91m{text}\n\x1b[0m")
        for meta in self.plan.meta_args:
            number += 1
            self._announce(number, total, meta.code)
            env = arguments.visible()
            for name, value in meta.pairs:
                expanded = None
                if value is not None:
                    expanded = process_word(value, env, self.plan.syntax)
                arguments.declare(process_word(name, env, self.plan.syntax), expanded, meta=True)
        for stage in self.plan.stages:
            self._check_name(stage)
            state = StageState(RunConfig(), arguments.for_stage(), name=stage.name)
            number += 1
            self._announce(number, total, stage.code)
            yield from self._flush()
            self._begin(state, stage)
            state.config.image = state.image_id
            self._finish_step(state)
            yield from self._flush()
            for instruction in stage.steps:
                number += 1
                self._announce(number, total, instruction.code)
                yield from self._flush()
                self._step(state, instruction)
                self._finish_step(state)
                yield from self._flush()
            if state.image_id:
                self.emit_message({"aux": {"ID": state.image_id}})
            arguments.referenced |= state.arguments.referenced
            self.stages.append(state)
        if unused := arguments.unused():
            self.emit(f"[Warning] One or more build-args [{' '.join(unused)}] were not consumed\n")
        if not self.stages:
            # The engine crashes on a Dockerfile that is only ARGs.
            raise DisconnectError
        final = self.stages[-1]
        if final.image is None:
            raise StepError("No image was generated. Is your Dockerfile empty?")
        self.record.image_id = final.image_id
        self.emit(f"Successfully built {final.image_id[7:19]}\n")
        for reference in self.options.tags:
            self.engine.tag_image(reference, final.image)
            self.emit(f"Successfully tagged {reference.familiar}\n")
        yield from self._flush()

    def _announce(self, number: int, total: int, code: str) -> None:
        self.emit(f"Step {number}/{total} : {code}")
        self.emit("\n")
        self.record.steps.append(StepRecord(number, code))

    def _finish_step(self, state: StageState) -> None:
        state.config.image = state.image_id
        self.emit(f" ---> {state.image_id[7:19]}\n")
        step = self.record.steps[-1]
        step.image_id = state.image_id
        step.cached, self._step_cached = self._step_cached, False
        step.executed, self._executed = self._executed, None

    # --- FROM -----------------------------------------------------------------

    def _check_name(self, stage: Stage) -> None:
        if stage.name and any(done.name == stage.name for done in self.stages):
            raise StepError(f"{stage.name} stage name already used")

    def _begin(self, state: StageState, stage: Stage) -> None:
        env = state.arguments.visible_to_from()
        platform = self.options.platform
        if stage.platform:
            expanded = process_word(stage.platform, env, self.plan.syntax)
            try:
                platform = parse_platform(expanded)
            except ApiError as error:
                raise StepError(f"failed to parse platform {expanded}: {error.message}") from error
        name = process_word(stage.base, env, self.plan.syntax)
        if not name:
            raise StepError(f"base name ({stage.base}) should not be blank")
        # The sources of cache_from are looked at afresh by each stage.
        self._cache_sources = bases.cache_sources(self.engine, self.options.cache_from)
        if platform is not None:
            state.os = platform[0]
        base = next((done for done in self.stages if done.name == name.lower()), None)
        if (base is None and name == "scratch") or (base is not None and base.image is None):
            state.begin(None)
        else:
            image = base.image if base else self._image(name, platform)
            state.begin(image)
        if triggers := state.config.on_build:
            state.config.on_build = None
            plural = "s" if len(triggers) > 1 else ""
            self.emit(f"# Executing {len(triggers)} build trigger{plural}\n")
            for trigger in triggers:
                state.config.image = state.image_id
                instruction = interpret_trigger(trigger, Dialect(self.engine.version))
                self._step(state, instruction)

    def _image(self, name: str, platform: tuple[str, str, str] | None) -> Image:
        if name not in self._sources:
            self._sources[name] = bases.base_image(
                self.engine,
                name,
                platform,
                self.options.pull,
                self.emit_message,
                self.options.credentials,
            )
        return self._sources[name]

    # --- steps ----------------------------------------------------------------

    def _step(self, state: StageState, instruction: Instruction) -> None:
        failed = True
        try:
            self.engine.faults.before_step(instruction.keyword)
            instruction = _copy_of(instruction)
            steps.expand(instruction, state, self.plan.syntax)
            self._dispatch(state, instruction)
            failed = False
        finally:
            if self.options.force_remove or (self.options.remove and not failed):
                for container in self._temporary:
                    intermediate.remove_container(self.engine, container)
                    self.emit(messages.REMOVED_CONTAINER(self.engine.version, container[:12]))
                self._temporary = []

    def _dispatch(self, state: StageState, instruction: Instruction) -> None:
        keyword = instruction.keyword
        if keyword in ("copy", "add"):
            copy_step(self, state, instruction)
        elif keyword == "run":
            run_step(self, state, instruction)
        elif keyword == "workdir":
            self._workdir(state, instruction)
        else:
            old = state.config.healthcheck
            comment = steps.CONFIG_STEPS[keyword](state, instruction, self.plan.syntax)
            if keyword == "stopsignal" and not steps.is_signal(instruction.arguments[0]):
                raise StepError(messages.BAD_SIGNAL(self.engine.version, instruction.arguments[0]))
            if keyword == "healthcheck":
                comment = steps.health_comment(instruction, self.engine.version)
            if keyword == "healthcheck" and old and old.get("Test", ["NONE"])[0] != "NONE":
                self.emit(f"Note: overriding previous HEALTHCHECK: [{' '.join(old['Test'])}]\n")
            config = state.config.copy()
            config.cmd = [*state.shell(), "#(nop) ", comment]
            self.commit_nothing(state, config)

    def probe(self, state: StageState, config: RunConfig) -> bool:
        """Take the step from the cache if it is there."""
        if self.options.no_cache or state.cache_busted:
            return False
        found = cache.find_local(self.store, state.image_id, config)
        if self.options.cache_from:
            sources = self._cache_sources
            if not (found and any(cache.is_ancestor(self.store, s, found.id) for s in sources)):
                target = cache.find_in_history(sources, state.image, config)
                found = target and restore(self.engine, target, state.image, config)
                if found is not None and target is not None:
                    self._cache_sources = [target]
        if found is None:
            state.cache_busted = True
            return False
        self.emit(" ---> Using cache\n")
        self._step_cached = True
        state.image = found
        return True

    def create_container(self, state: StageState, config: RunConfig) -> tuple[str, Overlay | None]:
        """The intermediate container of a step, and its files if making it changed any.

        Raises:
            StepError: when it cannot be made.
        """
        overlay = prepare_root(self.overlay(state), config)
        container = intermediate.create_container(self.engine, config, state.image)
        self._temporary.append(container)
        self.emit(f" ---> Running in {container[:12]}\n")
        return container, overlay

    def commit_nothing(self, state: StageState, config: RunConfig) -> None:
        """A step that changes no file."""
        if self.probe(state, config):
            return
        container, overlay = self.create_container(state, config)
        state.image = commit_step(self.engine, state, config, container, overlay)

    def _workdir(self, state: StageState, instruction: Instruction) -> None:
        path = steps.working_directory(state, instruction.arguments[0])
        if self.engine.version >= "23.0":
            path = posixpath.normpath(path)
        state.config.working_dir = path
        config = state.config.copy()
        config.cmd = [*state.shell(), f"#(nop) WORKDIR {path}"]
        self.commit_nothing(state, config)

    def overlay(self, state: StageState) -> Overlay:
        """A tree to write a step's changes to."""
        lower = state.image.tree if state.image else {}
        return Overlay(
            lower,
            self.engine.clock() // 1_000_000_000,
            self.engine.version,
            self.engine.new_id(),
        )

    def stage_or_image(self, name: str) -> ImageSource:
        """The files that a `--from` names.

        Raises:
            StepError: when it names none.
        """
        style = STYLES.of(self.engine.version)
        found = next((done for done in self.stages if done.name == name.lower()), None)
        if found is None:
            with suppress(ValueError):
                index = int(name)
                if index == len(self.stages):
                    raise StepError(
                        f"invalid from flag value {name}: refers to current build stage"
                    )
                if not 0 <= index < len(self.stages):
                    raise StepError(f"invalid from flag value {name}: index out of bounds")
                found = self.stages[index]
        if found is not None:
            return ImageSource(found.image.tree if found.image else {}, style)
        try:
            return ImageSource(self._image(name, self.options.platform).tree, style)
        except StepError as error:
            raise StepError(f"invalid from flag value {name}: {error.message}") from error


def _copy_of(instruction: Instruction) -> Instruction:
    return replace(
        instruction,
        arguments=list(instruction.arguments),
        pairs=list(instruction.pairs),
        flags=dict(instruction.flags),
    )
