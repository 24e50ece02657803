"""The script of a daemon that evaluates Dockerfiles."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.platforms import resolve_platforms
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    ImageOrigin,
    Origin,
    ScratchOrigin,
    StageOrigin,
)
from imagebuilders.evaluation.trees import tree_of
from imagebuilders.exceptions import EvaluationError, ImageBuilderError

from ...records import BuildRecord
from ..failures import SourceLines, solve_status
from .assembly import assemble
from .bases import PULL, BaseImages
from .client_folders import ClientFolders
from .commands import CommandFailedError, RuledCommands
from .contexts import Contexts, Definition
from .exporters import Exports, wanted_exporters
from .graph import Graph, context_paths
from .mounts import CacheMounts, Mounter
from .outcome import BuiltImage, Outcome
from .progress import KEY_FAILURE, Progress
from .registry_bases import RegistryBases, SessionCredentials
from .request import FrontendRequest
from .step_cache import StepCache
from .step_follower import StepFollower

if TYPE_CHECKING:
    from imagebuilders.evaluation.platforms import PlatformResolutions
    from imagebuilders.evaluation.resolution import Resolution
    from imagebuilders.evaluation.steps import Stage
    from imagebuilders.evaluation.trees import Folder

    from ..script import ScriptedBuild
    from .exporters import Wanted
    from .look import Look
    from .worker import Worker

FRONTEND = "dockerfile.v0"
_NEEDS_SESSION = "could not access local files without session"


class Solver:
    """Builds as a BuildKit daemon does, but for RUN, which the rules of a test stand in for.

    It is the script of a `ScriptedBuildKit`.

    Args:
        worker: has images, rules and the time.
        look: what the daemon looks like.

    Attributes:
        folders: what clients sent of their folders.
        cache: the steps that were done.
        cache_mounts: the folders of cache mounts.
    """

    def __init__(self, worker: Worker, look: Look) -> None:
        self.worker = worker
        self.look = look
        self.reset()

    def reset(self) -> None:
        """Forget everything that was built."""
        self.folders = ClientFolders()
        self.cache = StepCache()
        self.cache_mounts = CacheMounts()
        self.trees: dict[str, Folder] = {}

    def __call__(self, build: ScriptedBuild) -> Mapping[str, str]:
        """Build what is asked for, and export it; return what the exporters say.

        Raises:
            CallError: it failed.
        """
        request = build.request
        wanted = wanted_exporters(build, self.look)
        if request.Frontend != FRONTEND:
            words = f"invalid frontend: {request.Frontend}"
            raise CallError(RpcStatus(Code.UNKNOWN, words))
        record = self.record(build)
        outcome = self.solve(build, dict(request.FrontendAttrs), record)
        return self.export(build, wanted, outcome, record)

    def record(self, build: ScriptedBuild) -> BuildRecord:
        """Begin the record of a build."""
        record = BuildRecord(tags=build.image_names)
        self.worker.builds.append(record)
        return record

    def solve(
        self, build: ScriptedBuild, attributes: Mapping[str, str], record: BuildRecord
    ) -> Outcome:
        """Let the Dockerfile frontend answer.

        Raises:
            CallError: the build failed.
        """
        build.begin()
        try:
            return _Solve(self, build, attributes, record).run()
        except CallError as error:
            record.error = error.status.message
            raise

    def export(
        self,
        build: ScriptedBuild,
        wanted: Sequence[Wanted],
        outcome: Outcome,
        record: BuildRecord,
    ) -> dict[str, str]:
        """Export a result; return what the exporters say.

        Raises:
            CallError: it cannot be exported.
        """
        try:
            response = Exports(build, self.worker, Progress(build)).export(wanted, outcome)
        except CallError as error:
            record.error = error.status.message
            raise
        record.image_id = response.get("containerimage.digest", "")
        return response


class _Solve:
    """One build of the Dockerfile frontend."""

    def __init__(
        self,
        solver: Solver,
        build: ScriptedBuild,
        attributes: Mapping[str, str],
        record: BuildRecord,
    ) -> None:
        self._solver = solver
        self._build = build
        self._attributes = attributes
        self._record = record
        self._progress = Progress(build)
        self._clock = BuildClock(solver.worker.time_ns())
        self._definition: Definition | None = None
        self._graph: Graph | None = None

    def run(self) -> Outcome:
        """Build.

        Raises:
            CallError: it failed.
        """
        try:
            return self._run()
        except CallError:
            raise
        except EvaluationError as error:
            raise CallError(self._status(error)) from error
        except ImageBuilderError as error:
            raise CallError(RpcStatus(Code.UNKNOWN, str(error))) from error

    def _run(self) -> Outcome:
        solver = self._solver
        request = FrontendRequest.parse(self._attributes, solver.look.frontend)
        self._note(request)
        if request.context:
            raise EvaluationError(
                f"the BuildKit double does not implement the context {request.context}"
            )
        if not self._build.request.Session:
            raise EvaluationError(
                f"failed to read dockerfile: failed to load cache key: {_NEEDS_SESSION}"
            )
        contexts = Contexts(
            request,
            lambda: self._build.session,
            self._build.request.Session,
            solver.folders,
            self._progress,
            self._clock,
        )
        self._definition = definition = contexts.definition()
        with RegistryBases(SessionCredentials(lambda: self._build.session)) as registries:
            images = BaseImages(
                solver.worker,
                registries,
                self._progress,
                looks_at_store=solver.look.is_engine and request.resolve_mode != PULL,
                trees=solver.trees,
            )
            images.shows_platform = len(request.platforms) > 1
            resolutions = self._resolve(request, definition, contexts, images)
            built = [
                self._build_one(request, resolution, resolutions, contexts, images)
                for resolution in resolutions.resolutions
            ]
        self._record.context_files = contexts.files
        return Outcome(tuple(built), resolutions.is_index)

    def _note(self, request: FrontendRequest) -> None:
        record, options = self._record, request.options
        record.dockerfile, record.target = request.filename, options.target
        record.build_args = dict(options.build_args)
        record.labels = dict(options.labels)
        record.options = dict(request.attributes)

    def _resolve(
        self,
        request: FrontendRequest,
        definition: Definition,
        contexts: Contexts,
        images: BaseImages,
    ) -> PlatformResolutions:
        """Resolve the Dockerfile: once for its bases, and then with what is ignored."""
        content, options = definition.content, request.options
        resolve_platforms(content, options, images, request.platforms)
        options = replace(options, ignore_lines=contexts.ignore_lines(definition))
        return resolve_platforms(
            content,
            options,
            images,
            request.platforms,
            warn=lambda warning: self._progress.warn(
                definition.vertex, warning, content, definition.filename
            ),
        )

    def _build_one(
        self,
        request: FrontendRequest,
        resolution: Resolution,
        resolutions: PlatformResolutions,
        contexts: Contexts,
        images: BaseImages,
    ) -> BuiltImage:
        solver, progress = self._solver, self._progress
        graph = self._graph = Graph(
            resolution, images, self._build.request.Session, is_index=resolutions.is_index
        )
        progress.announce(reversed(graph.all))
        for vertex in graph.images():
            progress.look_up(vertex)
            progress.start(vertex)
            progress.complete(vertex, cached=True)
        trees = _Trees(self, resolution, graph, contexts, images)
        follower = StepFollower(
            self._build,
            graph,
            progress,
            solver.cache,
            images,
            solver.worker.rules,
            self._record,
            trees.of,
            request.is_built_anew,
            solver.worker.time_ns,
        )
        commands = RuledCommands(
            solver.worker.rules,
            Mounter(
                lambda: self._build.session,
                trees.of,
                solver.cache_mounts,
                self._clock,
                self._record.secrets.append,
            ),
            printed=follower.log,
            when_cancelled=self._build.when_cancelled,
            clock=self._clock,
        )
        follower.follow(commands)
        files = replace(solver.look.files, ref=f"{uuid.uuid4()}::{uuid.uuid4().hex[:25]}")
        with Executor(
            resolution.stages,
            trees,
            commands=commands,
            daemon=files,
            clock=self._clock,
            epoch=resolution.source_date_epoch,
            follower=follower,
        ) as executor:
            trees.executor = executor
            for stage in resolution.stages:
                if stage.needed:
                    executor.stage(stage.index)
            result = executor.stage(resolution.target)
            tree = None if result.tree is None else result.tree.get()
        stages = _chain(resolution)
        base = stages[0].base
        image = assemble(
            resolution.target_stage.image,
            images.find(base.reference, base.platform).image
            if isinstance(base, ImageOrigin)
            else None,
            [done for stage in stages for done in follower.done(stage)],
            environment=follower.environment(resolution.target_stage),
            epoch=resolution.source_date_epoch,
        )
        image.remember_tree(tree_of(tree) if tree is not None else {})
        return BuiltImage(resolution.platform, image, tree)

    def context_tree(
        self,
        resolution: Resolution,
        graph: Graph,
        contexts: Contexts,
        origin: ContextOrigin,
    ) -> Folder:
        """Return the files of a context, as far as the steps need them."""
        assert self._definition is not None
        step = graph.of_origin(origin)
        assert step is not None
        ignored = (
            contexts.named_ignore_lines(origin.name)
            if origin.name
            else contexts.ignore_lines(self._definition)
        )
        return contexts.tree(
            step, origin.name, context_paths(resolution.stages, origin.name), ignored
        )

    # --- errors ---------------------------------------------------------------

    def _status(self, error: EvaluationError) -> RpcStatus:
        """Return the status of a build that failed in its Dockerfile."""
        message = error.message
        source = vertex = None
        if self._definition is not None and error.line:
            ranges = [(line, line) for line in range(error.line, error.end_line + 1)]
            source = SourceLines(self._definition.content, ranges, self._definition.filename)
        if self._graph is not None and error.line:
            vertex = self._graph.at(error.line)
        if vertex is not None and not vertex.error:
            self._progress.start(vertex)
            self._progress.complete(vertex, error=message.removeprefix(KEY_FAILURE))
        if not self._solver.look.has_details:
            return RpcStatus(Code.UNKNOWN, message)
        details = () if vertex is not None else (("errdefs.Frontend", {"name": FRONTEND}),)
        return solve_status(
            message,
            source=source,
            vertex="" if vertex is None else vertex.digest,
            exit_code=error.code if isinstance(error, CommandFailedError) else None,
            details=details,
        )


class _Trees:
    """The files of the origins of one image; it is an `imagebuilders.evaluation` `Trees`."""

    def __init__(
        self,
        solve: _Solve,
        resolution: Resolution,
        graph: Graph,
        contexts: Contexts,
        images: BaseImages,
    ) -> None:
        self._solve = solve
        self._resolution = resolution
        self._graph = graph
        self._contexts = contexts
        self._images = images
        self.executor: Executor | None = None

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the files of an image or a build context."""
        if isinstance(origin, ImageOrigin):
            return self._images.tree(origin.reference, origin.platform)
        return self._solve.context_tree(self._resolution, self._graph, self._contexts, origin)

    def of(self, origin: Origin) -> Folder | None:
        """Return the files of any origin; `None` if nothing was ever written into it."""
        if isinstance(origin, ScratchOrigin) or self.executor is None:
            return None
        tree = self.executor.tree(origin)
        return None if tree is None else tree.get()


def _chain(resolution: Resolution) -> list[Stage]:
    """Return the stages that the target stands on, the first one first, and itself."""
    stages = [resolution.target_stage]
    while isinstance(stages[0].base, StageOrigin):
        stages.insert(0, resolution.stages[stages[0].base.index])
    return stages
