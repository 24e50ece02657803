"""The script of a daemon that evaluates Dockerfiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError

from ...records import BuildRecord
from .client_folders import ClientFolders
from .definition_build import build_definition
from .exporters import Exports, check_exporters, wanted_exporters
from .frontend import FrontendBuild
from .mounts import CacheMounts
from .progress import Progress
from .remote_contents import RemoteContents
from .session_exporters import finalize_export, find_exporters
from .solve_input import SolveInput, check_frontend
from .step_cache import StepCache

if TYPE_CHECKING:
    from imagebuilders.evaluation.trees import Folder

    from ..script import ScriptedBuild
    from .exporters import Wanted
    from .look import Look
    from .outcome import BuiltImage, Outcome
    from .worker import Worker


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
        remote: what lies on other machines, as far as it was seeded.
        results: what was built, for builds that begin with it, by name.
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
        self.remote = RemoteContents()
        self.results: dict[str, BuiltImage] = {}
        self.pulled: set[str] = set()

    def __call__(self, build: ScriptedBuild) -> Mapping[str, str]:
        """Build what is asked for, and export it; return what the exporters say.

        Raises:
            CallError: it failed.
        """
        request = build.request
        wanted = wanted_exporters(build, self.look)
        question = SolveInput(
            request.Frontend, request.FrontendAttrs, request.FrontendInputs, request.Definition
        )
        record = self.record(build)
        build.begin()
        check_frontend(question)
        outcome = self.solve(build, question, record)
        if not outcome.images:  # the answer to a question, of which nothing is exported
            return {}
        return self.export(build, wanted, outcome, record)

    def record(self, build: ScriptedBuild) -> BuildRecord:
        """Begin the record of a build."""
        record = BuildRecord(tags=build.image_names)
        self.worker.builds.append(record)
        return record

    def solve(self, build: ScriptedBuild, question: SolveInput, record: BuildRecord) -> Outcome:
        """Let the Dockerfile frontend answer, or build a definition without one.

        Raises:
            CallError: the build failed.
        """
        build.begin()
        try:
            if not question.frontend and question.definition is not None:
                return build_definition(self, build, question.definition, record)
            return FrontendBuild(self, build, question, record).run()
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
        asks = build.request.EnableSessionExporter and self.look.asks_for_exporters
        exports = Exports(build, self.worker, self.look, Progress(build))
        try:
            if asks and not wanted:
                wanted = find_exporters(build, outcome)
                check_exporters(wanted, self.look)
            response = exports.export(wanted, outcome)
            if asks and self.look.finalizes_exports:
                finalize_export(build, response)
        except CallError as error:
            record.error = error.status.message
            raise
        record.image_id = response.get("containerimage.digest", "")
        return response
