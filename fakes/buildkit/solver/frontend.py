"""One build of the Dockerfile frontend: from its attributes to images."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.download_times import DownloadTimes
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.platforms import resolve_platforms
from imagebuilders.evaluation.results import BuildClock
from imagebuilders.evaluation.steps import ContextOrigin
from imagebuilders.evaluation.trees import tree_of
from imagebuilders.exceptions import EvaluationError, ImageBuilderError

from .assembly import assemble
from .attestations import BuildFacts, check_scanner, predicates, provenance
from .bases import BaseImages, StoreUse
from .build_failures import BuildFailures
from .cache_imports import CacheImports, ImportedSteps
from .commands import RuledCommands
from .contexts import Contexts, Definition
from .definition_build import input_images, input_vertices, open_definitions
from .entitlements import check_entitlements
from .fetched_sources import FetchedSources, ask_for_secrets, ask_for_url
from .graph import Graph, origins_of
from .image_loads import ImageLoads
from .mounts import Mounter
from .origin_trees import OriginTrees
from .outcome import BuiltImage, Outcome
from .progress import Progress
from .questions import LINT, OUTLINE, Question, answer
from .registries import Registries, SessionCredentials
from .remote_contexts import image_contexts
from .request import FrontendRequest
from .resolving import resolve_once
from .result_metadata import requested, result_metadata
from .solve_input import FRONTEND
from .stage_chains import needed_stages, stage_chain
from .step_follower import StepFollower
from .syntax import frontend_of, line_of_syntax, wanted_frontend

if TYPE_CHECKING:
    from imagebuilders.evaluation.lint import LintWarning
    from imagebuilders.evaluation.platforms import PlatformResolutions
    from imagebuilders.evaluation.resolution import Resolution
    from imagebuilders.oci.platform import Platform

    from ...records import BuildRecord
    from ..script import ScriptedBuild
    from .keeper import Keeper
    from .solve_input import SolveInput


class FrontendBuild:
    """One build of the Dockerfile frontend.

    Args:
        solver: has what outlives the build.
        build: the build.
        question: what is to be built.
        record: of the build.
    """

    def __init__(
        self,
        solver: Keeper,
        build: ScriptedBuild,
        question: SolveInput,
        record: BuildRecord,
    ) -> None:
        self._solver = solver
        self._build = build
        self._attributes = question.attributes
        self._inputs = question.inputs
        self._record = record
        self._progress = Progress(build)
        self._started = solver.worker.time_ns()
        self._clock = BuildClock(self._started)
        self._failures = BuildFailures(solver.look, self._progress, self._attributes)
        self._definition: Definition | None = None

    def run(self) -> Outcome:
        """Build.

        Raises:
            CallError: it failed.
        """
        try:
            return self._run()
        except CallError as error:
            raise CallError(self._failures.of_call(error)) from error
        except EvaluationError as error:
            raise CallError(self._failures.of_evaluation(error)) from error
        except ImageBuilderError as error:
            raise CallError(RpcStatus(Code.UNKNOWN, str(error))) from error

    def _run(self) -> Outcome:
        solver = self._solver
        request = FrontendRequest.parse(self._attributes, solver.look.frontend)
        self._note(request)
        contexts = Contexts(
            request,
            lambda: self._build.session,
            self._pull,
            self._build.request.Session,
            solver.folders,
            solver.remote,
            self._progress,
            self._clock,
            partial(ask_for_url, self._build, solver.look),
        )
        credentials = SessionCredentials(lambda: self._build.session)
        with Registries(credentials, solver.worker, is_engine=solver.look.is_engine) as registries:
            images = BaseImages(
                solver.worker,
                registries,
                self._progress,
                store=StoreUse.of(solver.look, request.resolve_mode),
                trees=solver.trees,
            )
            images.shows_platform = len(request.platforms) > 1
            if self._inputs:
                definitions = open_definitions(
                    solver, self._build, images, self._progress, self._clock, self._record
                )
                images.inputs = input_images(
                    self._inputs, self._attributes, definitions, self._clock()
                )
                images.input_vertices = input_vertices(self._inputs)
            image = self._attributes.get("source")
            request = self._with_frontend(request, image, images)
            self._definition = self._failures.definition = definition = contexts.definition()
            if image is None:
                image = wanted_frontend(definition.content, dict(request.options.build_args))
                line = line_of_syntax(definition.content)
                request = self._with_frontend(request, image, images, line)
            if request.subrequest:
                return self._answer(request, definition, contexts, images)
            machine = request.options.build_platform
            check_scanner(self._attributes, images, machine, self._progress)
            images.contexts = image_contexts(request.options.named_contexts)
            resolutions = self._resolved(request, definition, contexts, images)
            self._build.result_metadata = result_metadata(resolutions, images)
            self._build.requested = requested(resolutions, dict(request.options.labels))
            platform = resolutions.resolutions[0].platform
            imports = CacheImports(images, registries, lambda: self._build.session, self._progress)
            cache = ImportedSteps(solver.cache, imports.open(self._attributes, platform))
            built = [
                self._build_one(request, resolution, resolutions, contexts, images, cache)
                for resolution in resolutions.resolutions
            ]
        self._record.context_files = contexts.files
        self._build.attestations.update(self._history(request, images, platform))
        return Outcome(tuple(built), resolutions.is_index)

    def _facts(self, request: FrontendRequest) -> BuildFacts:
        return BuildFacts(
            request,
            FRONTEND,
            tuple(self._record.secrets),
            self._build.ref,
            self._started,
            self._solver.worker.time_ns(),
        )

    def _history(
        self, request: FrontendRequest, images: BaseImages, platform: Platform
    ) -> dict[str, bytes]:
        """Return the provenance that the daemon remembers of every build."""
        found = provenance(
            self._facts(request),
            images.used(platform),
            platform,
            version=self._solver.look.provenance,
            is_full=True,
        )
        return {found.kind: json.dumps(found.content).encode()}

    def _pull(self, address: str) -> bytes:
        """Return a context that was sent: with the request, or by the client's session."""
        upload = self._build.upload
        return self._build.session.pull(address) if upload is None else upload

    def _with_frontend(
        self, request: FrontendRequest, image: str | None, images: BaseImages, line: int = 0
    ) -> FrontendRequest:
        """Return the request with the version of the frontend that an image is."""
        if image is None:
            return request
        options = request.options
        found = frontend_of(image, images, self._progress, options.build_platform, line)
        return replace(request, options=replace(options, frontend=found))

    def _answer(
        self,
        request: FrontendRequest,
        definition: Definition,
        contexts: Contexts,
        images: BaseImages,
    ) -> Outcome:
        """Answer a question in the place of a build."""
        options = request.options
        if request.subrequest in (LINT, OUTLINE):
            with suppress(EvaluationError):
                resolve_once(request, definition, images)
                lines = contexts.ignore_lines(definition)
                options = replace(options, ignore_lines=lines)
                if request.subrequest == OUTLINE:
                    self._resolve_and_warn(replace(request, options=options), definition, images)
        asked = Question(definition.content, definition.filename, options, images)
        return Outcome(metadata=answer(request.subrequest, asked))

    def _note(self, request: FrontendRequest) -> None:
        record, options = self._record, request.options
        record.dockerfile, record.target = request.filename, options.target
        record.build_args = dict(options.build_args)
        record.labels = dict(options.labels)
        record.options = dict(request.attributes)

    def _resolved(
        self,
        request: FrontendRequest,
        definition: Definition,
        contexts: Contexts,
        images: BaseImages,
    ) -> PlatformResolutions:
        """Resolve the Dockerfile; refuse it in the daemon's words."""
        try:
            return self._resolve(request, definition, contexts, images)
        except EvaluationError as error:
            text = f"{self._solver.look.refusal}{error.message}"
            raise EvaluationError(text, line=error.line, end_line=error.end_line) from error

    def _resolve(
        self,
        request: FrontendRequest,
        definition: Definition,
        contexts: Contexts,
        images: BaseImages,
    ) -> PlatformResolutions:
        """Resolve the Dockerfile: once for its bases, and then with what is ignored."""
        times = DownloadTimes(self._solver.remote.downloads)
        options = replace(request.options, source_times=times)
        request = replace(request, options=options)
        found: list[LintWarning] = []
        try:
            first = resolve_once(request, definition, images, found.append)
        except EvaluationError:
            for warning in found:
                self._warn(definition, warning)
            raise
        if first is not None:
            self._read_named(first, contexts)
        options = replace(options, ignore_lines=contexts.ignore_lines(definition))
        return self._resolve_and_warn(replace(request, options=options), definition, images)

    def _resolve_and_warn(
        self, request: FrontendRequest, definition: Definition, images: BaseImages
    ) -> PlatformResolutions:
        return resolve_platforms(
            definition.content,
            request.options,
            images,
            request.platforms,
            warn=partial(self._warn, definition),
        )

    def _warn(self, definition: Definition, warning: LintWarning) -> None:
        self._progress.warn(definition.vertex, warning, definition.content, definition.filename)

    def _read_named(self, resolutions: PlatformResolutions, contexts: Contexts) -> None:
        """Read the ignore files of named contexts that are used.

        Raises:
            CallError: the client refused.
        """
        for stage in resolutions.resolutions[0].stages:
            for step in stage.steps if stage.needed else ():
                for origin in origins_of(step):
                    if isinstance(origin, ContextOrigin) and origin.name:
                        try:
                            contexts.named_ignore_lines(origin.name)
                        except CallError as error:
                            line = step.lines.first
                            raise CallError(self._failures.of_call(error, line)) from error

    def _build_one(
        self,
        request: FrontendRequest,
        resolution: Resolution,
        resolutions: PlatformResolutions,
        contexts: Contexts,
        images: BaseImages,
        cache: ImportedSteps,
    ) -> BuiltImage:
        solver, progress = self._solver, self._progress
        graph = self._failures.graph = Graph(
            resolution,
            images,
            self._build.request.Session,
            request.options.named_contexts,
            contexts.source,
            merges=not solver.look.has_graph_driver,
            is_index=resolutions.is_index,
        )
        check_entitlements(resolution.stages, list(self._build.request.Entitlements))
        progress.announce(reversed(graph.all))
        loads = self._failures.loads = ImageLoads(progress, solver.look, solver.pulled)
        for vertex, found in graph.images():
            loads.look_up(vertex, found)
        assert self._definition is not None
        trees = OriginTrees(resolution, graph, contexts, images, self._definition)
        follower = StepFollower(
            self._build,
            graph,
            progress,
            cache,
            images,
            loads,
            solver.worker.rules,
            self._record,
            trees.of,
            request.is_built_anew,
            solver.worker.time_ns,
        )
        files = replace(solver.look.files, ref=f"{uuid.uuid4()}::{uuid.uuid4().hex[:25]}")
        commands = RuledCommands(
            solver.worker.rules,
            Mounter(
                lambda: self._build.session,
                trees.of,
                solver.cache_mounts,
                self._clock,
                self._record.secrets.append,
                files,
            ),
            printed=follower.log,
            when_cancelled=self._build.when_cancelled,
            clock=self._clock,
            machines=solver.worker.machines,
        )
        follower.follow(commands)
        sources = FetchedSources(
            solver.remote,
            graph,
            progress,
            loads,
            partial(ask_for_secrets, self._build),
            solver.look,
        )
        with Executor(
            resolution.stages,
            trees,
            commands=commands,
            downloads=sources,
            repositories=sources.repositories,
            daemon=files,
            clock=self._clock,
            epoch=resolution.source_date_epoch,
            follower=follower,
        ) as executor:
            trees.executor = executor
            for stage in resolution.stages:
                if stage.needed:
                    follower.begin(stage)
                    executor.stage(stage.index)
            result = executor.stage(resolution.target)
            tree = None if result.tree is None else result.tree.get()
            chains = [
                stage_chain(resolution, stage, images, follower.done, executor.stage, self._clock)
                for stage in needed_stages(resolution)
            ]
        image = assemble(
            resolution.target_stage.image,
            chains[0].below,
            chains[0].steps,
            environment=follower.environment(resolution.target_stage),
            epoch=resolution.source_date_epoch,
        )
        image.remember_tree(tree_of(tree) if tree is not None else {})
        attested = predicates(
            self._facts(request),
            images.used(resolution.platform),
            resolution.platform,
            version=solver.look.provenance,
        )
        return BuiltImage(resolution.platform, image, tree, attested, tuple(chains))
