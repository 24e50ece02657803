"""What stands around each step of a build: its vertex, the cache, and its record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.results import LazyTree, StepResult
from imagebuilders.evaluation.steps import Copy, ImageOrigin, Origin, Run, StageOrigin
from imagebuilders.oci.file_tree import clean

from ...records import StepRecord
from ...shell.step_machine import StepOutcome
from .step_cache import (
    DoneStep,
    combined,
    definition,
    folder_key,
    held,
    held_members,
    image_key,
    members_key,
)

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import Vertex
    from imagebuilders.evaluation.results import Perform
    from imagebuilders.evaluation.steps import Stage, Step
    from imagebuilders.evaluation.trees import Folder

    from ...records import BuildRecord
    from ...shell.run_rules import RunRules
    from ..script import ScriptedBuild
    from .bases import BaseImages
    from .cache_imports import ImportedSteps
    from .commands import RuledCommands
    from .graph import Graph
    from .image_loads import ImageLoads
    from .progress import Progress

_NUMBER = re.compile(r"\[[^]]*\d+/\d+\] ")
_MARK = " # buildkit"

CANCELLED = RpcStatus(Code.CANCELLED, "context canceled")


@dataclass
class StageState:
    """How far a stage is.

    Attributes:
        key: what its last step was made of.
        done: its steps that make layers.
        environment: the variables that rules have set.
        is_redone: one of its steps was done again, for a rule that was added since then.
    """

    key: str
    done: list[DoneStep] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    is_redone: bool = False


class StepFollower:
    """Follows the steps of one image; it is an `imagebuilders.evaluation` `StepFollower`.

    Args:
        build: the build, which a client can break off.
        graph: the vertices.
        progress: is told.
        cache: the steps that were done before.
        images: finds images.
        loads: tells of the files of images.
        rules: what RUN steps do.
        record: of the build.
        tree: returns the files of an origin; `None` if there are none.
        is_built_anew: whether the cache does not count for a stage, by its name.
        now: nanoseconds since the epoch.
    """

    def __init__(
        self,
        build: ScriptedBuild,
        graph: Graph,
        progress: Progress,
        cache: ImportedSteps,
        images: BaseImages,
        loads: ImageLoads,
        rules: RunRules,
        record: BuildRecord,
        tree: Callable[[Origin], Folder | None],
        is_built_anew: Callable[[str], bool],
        now: Callable[[], int],
    ) -> None:
        self._build = build
        self._graph = graph
        self._progress = progress
        self._cache = cache
        self._images = images
        self._loads = loads
        self._rules = rules
        self._record = record
        self._tree = tree
        self._is_built_anew = is_built_anew
        self._now = now
        self._stages: dict[int, StageState] = {}
        self._commands: RuledCommands | None = None
        self._current: Vertex | None = None

    def follow(self, commands: RuledCommands) -> None:
        """Let commands see, and set, the variables that rules set."""
        self._commands = commands

    def log(self, data: bytes, stream: int) -> None:
        """Tell what the command prints that is at work."""
        if self._current is not None:
            self._progress.log(self._current, data, stream=stream)

    def done(self, stage: Stage) -> list[DoneStep]:
        """Return the steps of a stage that make layers."""
        return self._state(stage).done

    def environment(self, stage: Stage) -> Mapping[str, str]:
        """Return the variables that rules have set in a stage."""
        return self._state(stage).environment

    def begin(self, stage: Stage) -> None:
        """Note that the steps of a stage come."""
        name = f" AS {stage.name}" if stage.name else ""
        self._note(f"FROM {stage.written_base}{name}")

    def _note(self, instruction: str) -> StepRecord:
        record = StepRecord(len(self._record.steps) + 1, instruction)
        self._record.steps.append(record)
        return record

    def around(
        self,
        stage: Stage,
        step: Step,
        tree: LazyTree | None,  # noqa: ARG002  (what was made of it is in the key)
        perform: Perform,
    ) -> StepResult:
        """Return what a step makes, or what it made before.

        Raises:
            EvaluationError, ImageBuilderError: from `perform`.
            CallError: the client broke the build off.
        """
        if not step.makes_layer:
            self._note(step.created_by.removesuffix(_MARK) or step.keyword)
            return perform()
        if self._build.is_cancelled:
            raise CallError(CANCELLED)
        state = self._state(stage)
        vertex = self._graph.of_copied(step)
        record = self._note(_NUMBER.sub("", step.title))
        known = None
        if isinstance(step, Run):
            state.key = combined(state.key, definition(step), self._mounts_key(step))
            known = self._known(step, stage, state.key)
        if known is None:
            known, is_cached = self._perform(stage, step, vertex, state, perform)
        else:
            is_cached = True
        if is_cached:
            self._progress.complete(vertex, cached=True)
        self._link(step, vertex, is_cached=is_cached)
        if is_cached:
            state.environment.update(known.environment)
        record.cached, record.executed = is_cached, known.executed
        state.done.append(known)
        after = known.tree
        made = None if after is None else LazyTree(lambda: after)
        return StepResult(step, known.members, made)

    def _link(self, step: Step, copied: Vertex, *, is_cached: bool) -> None:
        """Tell that what was copied is put in its place, where that is a vertex of its own."""
        linked = self._graph.of_step(step)
        if linked is not copied:
            self._loads.link(linked)
            self._progress.complete(linked, cached=is_cached)

    def _perform(
        self, stage: Stage, step: Step, vertex: Vertex, state: StageState, perform: Perform
    ) -> tuple[DoneStep, bool]:
        """Do a step; return what it made, and whether the same was made before."""
        self._current = vertex
        commands = self._commands
        if commands is not None:
            commands.environment = state.environment
        if isinstance(step, Run):
            self._loads.need(list(vertex.inputs))
            with self._progress.running(vertex):
                result = perform()
        else:
            for text in self._graph.texts_of(step):
                self._progress.look_up(text)
                self._loads.found(text)
            result = self._copied(vertex, perform)
            key = combined(state.key, definition(step), members_key(result.layer or ()))
            state.key = key
            known = self._known(step, stage, key)
            if known is not None:
                return known, True
            self._loads.need(list(vertex.inputs))
            self._progress.complete(vertex)
        members, files = result.layer or (), None if result.tree is None else result.tree.get()
        if files is not None and any(member.file.content is not None for member in members):
            # What was downloaded is gone when the build is over.
            members, files = held_members(members), held(files)
        outcome = commands.outcome if isinstance(step, Run) and commands else StepOutcome()
        done = DoneStep(
            state.key,
            step.title,
            members,
            files,
            self._now(),
            outcome.executed,
            dict(state.environment),
            outcome.recorded,
        )
        self._cache.keep(done)
        return done, False

    def _copied(self, vertex: Vertex, perform: Perform) -> StepResult:
        """Do a step whose key is what it makes."""
        try:
            return perform()
        except Exception:
            failed = self._progress.failed
            if failed is not None and self._graph.is_of_source(failed):
                raise  # of the step itself nothing was begun
            with self._progress.running(vertex):
                raise

    def _known(self, step: Step, stage: Stage, key: str) -> DoneStep | None:
        if isinstance(step, Run | Copy) and self._is_built_anew(stage.name):
            return None
        known = self._cache.find(key, self._now(), step.title)
        if known is not None and any(map(self._rules.has, known.recorded)):
            # A rule that was added since then is not hidden by what did nothing.
            self._state(stage).is_redone = True
        return None if self._state(stage).is_redone else known

    def _mounts_key(self, step: Run) -> list[str]:
        keys = []
        for mount in step.mounts:
            tree = None
            if mount.kind == "bind" and mount.origin is not None:
                tree = self._tree(mount.origin)
            if tree is not None:
                keys.append(folder_key(tree.find(clean(mount.source))))
        return keys

    def _state(self, stage: Stage) -> StageState:
        if stage.index not in self._stages:
            base = stage.base
            if isinstance(base, StageOrigin) and base.index in self._stages:
                below = self._stages[base.index]
                state = StageState(
                    below.key, environment=dict(below.environment), is_redone=below.is_redone
                )
            elif isinstance(base, ImageOrigin):
                image = self._images.find(base.reference, base.platform).image
                state = StageState(image_key(image))
            else:
                state = StageState(combined(base))
            self._stages[stage.index] = state
        return self._stages[stage.index]
