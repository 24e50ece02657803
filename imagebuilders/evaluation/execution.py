"""The steps of a Dockerfile over file trees: what each makes, layer by layer.

An `Executor` works through stages. It asks whoever has them for bases, contexts, what lies at
URLs and what commands do; it never runs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Protocol

from imagebuilders.evaluation.copy_step import Located, copy_sources, resolve_owner
from imagebuilders.evaluation.daemon import BUILDKITD, Daemon
from imagebuilders.evaluation.difference import difference
from imagebuilders.evaluation.downloads import download
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.paths_in_trees import FOLDER_MODE, make_folders, resolve_target
from imagebuilders.evaluation.questions import Commands, Downloads, Repositories
from imagebuilders.evaluation.results import (
    BuildClock,
    LazyTree,
    StageResult,
    StepFollower,
    StepResult,
)
from imagebuilders.evaluation.selection import check_source, check_sources
from imagebuilders.evaluation.sent_files import sent_files, sent_paths
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    Copy,
    GitSource,
    ImageOrigin,
    Origin,
    PathSource,
    Run,
    ScratchOrigin,
    Source,
    Stage,
    StageOrigin,
    Step,
    TextSource,
    UrlSource,
    Workdir,
)
from imagebuilders.evaluation.trees import Folder, empty_folder, folder_of, merged, stamped
from imagebuilders.evaluation.written_files import written_file
from imagebuilders.exceptions import EvaluationError


class Trees(Protocol):
    """Says what files there are in bases and contexts."""

    def tree(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        """Return the files of an image or a build context.

        It is asked once for each, and not before a step needs to know.

        Raises:
            ImageBuilderError: they cannot be had.
        """
        ...


class Executor:
    """Works through the stages of a Dockerfile.

    Use as a context manager: what was downloaded is kept until it is closed.

    Args:
        stages: the stages of a Dockerfile.
        trees: knows the files of bases and contexts.
        commands: knows what commands do; without it RUN fails.
        downloads: fetches what ADD names by URL; without it that fails.
        repositories: fetches repositories; without it that fails.
        daemon: whose ways and words count.
        clock: the time of what is made, in nanoseconds since 1970; never the same twice.
        epoch: the time of folders that WORKDIR makes, in seconds (`SOURCE_DATE_EPOCH`).
        follower: stands around each step.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        trees: Trees,
        *,
        commands: Commands[Folder] | None = None,
        downloads: Downloads | None = None,
        repositories: Repositories[Folder] | None = None,
        daemon: Daemon = BUILDKITD,
        clock: Callable[[], int] | None = None,
        epoch: int | None = None,
        follower: StepFollower | None = None,
    ) -> None:
        self._stages: Mapping[int, Stage] = {stage.index: stage for stage in stages}
        needed = (stage for stage in stages if stage.needed)
        self._sent = sent_paths(step for stage in needed for step in stage.steps)
        self._trees = trees
        self._commands = commands
        self._downloads = downloads
        self._repositories = repositories
        self._daemon = daemon
        self._clock = clock or BuildClock()
        self._epoch = epoch
        self._follower = follower
        self._is_checked = False
        self._results: dict[int, StageResult] = {}
        self._unfinished: dict[int, LazyTree | None] = {}
        self._origins: dict[Origin, LazyTree] = {}
        self._open = ExitStack()

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete what was downloaded."""
        self._open.close()

    def stage(self, index: int) -> StageResult:
        """Return what the steps of a stage make; what those need is made first.

        Raises:
            EvaluationError: a step fails; with its lines.
            ImageBuilderError: a question could not be answered.
        """
        if not self._is_checked:
            self._is_checked = True
            self._check_contexts()
        if index not in self._results:
            self._results[index] = self._execute(self._stages[index])
        return self._results[index]

    def _check_contexts(self) -> None:
        """Check what all steps take from contexts, as the daemon does before it executes any."""
        for stage in self._stages.values():
            for step in stage.steps if stage.needed else ():
                if isinstance(step, Copy) and isinstance(step.origin, ContextOrigin):
                    origin = self.tree(step.origin)
                    if origin is not None and any(
                        isinstance(source, PathSource) for source in step.sources
                    ):
                        with _located_at(step):
                            check_sources(step, origin.get(), self._daemon)

    def tree(self, origin: Origin) -> LazyTree | None:
        """Return the files of an origin; `None` if nothing was ever written into it.

        Raises:
            EvaluationError, ImageBuilderError: as for `stage`.
        """
        if isinstance(origin, ScratchOrigin):
            return None
        if isinstance(origin, StageOrigin):
            if origin.index in self._unfinished:  # a trigger takes files of its own stage
                return self._unfinished[origin.index]
            return self.stage(origin.index).tree
        known = self._origins.get(origin)
        if known is None:
            asked = origin
            known = self._origins[origin] = LazyTree(lambda: self._ask(asked))
        return known

    def _ask(self, origin: ImageOrigin | ContextOrigin) -> Folder:
        tree = self._trees.tree(origin)
        if origin == ContextOrigin():
            return sent_files(tree, self._sent)
        if isinstance(origin, ImageOrigin) and not tree.file.mtime:
            # No layer says when the root was made: it was when the layers were unpacked.
            return Folder(stamped(tree.file, self._clock()), tree.names)
        return tree

    def _execute(self, stage: Stage) -> StageResult:
        base = tree = self.tree(stage.base)
        results: list[StepResult] = []
        for step in stage.steps:
            self._unfinished[stage.index] = tree
            with _located_at(step):
                result = self._followed(stage, step, tree)
            results.append(result)
            tree = result.tree
        self._unfinished.pop(stage.index, None)
        base_layer = None
        if isinstance(stage.base, ContextOrigin) and base is not None:
            base_layer = tuple(difference(None, base.get(), compares=self._daemon.compares))
        return StageResult(stage, tuple(results), base, base_layer)

    def _followed(self, stage: Stage, step: Step, tree: LazyTree | None) -> StepResult:
        if self._follower is None:
            return self._step(step, tree)
        return self._follower.around(stage, step, tree, lambda: self._step(step, tree))

    def _step(self, step: Step, tree: LazyTree | None) -> StepResult:
        if not step.makes_layer:
            return StepResult(step, None, tree)
        if isinstance(step, Copy):
            return self._copy(step, tree)
        if isinstance(step, Workdir):
            return self._make_workdir(step, tree)
        if isinstance(step, Run):
            return self._run(step, tree)
        return StepResult(step, (), tree)

    def _copy(self, step: Copy, tree: LazyTree | None) -> StepResult:
        # With --chmod the option --link does nothing.
        has_effect = not step.chmod or self._daemon.links_modes
        is_apart = step.link and has_effect and self._daemon.merges
        origin = self.tree(step.origin)
        # What a step both reads from and writes upon is not checked first; contexts were.
        is_checked = isinstance(step.origin, ContextOrigin)
        if origin is not None and not is_checked and (is_apart or origin is not tree):
            check_sources(step, origin.get(), self._daemon)
        sources = [self._located(source, origin) for source in step.sources]
        if step.excludes and not all(isinstance(source, PathSource) for source in step.sources):
            check_source(empty_folder(), "", self._daemon, excludes=step.excludes)
        before = None if is_apart or tree is None else tree.get()
        files = FileSystem(before or empty_folder(), self._clock)
        copy_sources(step, sources, files, has_tree=before is not None, daemon=self._daemon)
        if not is_apart or tree is None:
            return self._written(step, before, files)
        result = self._written(step, None, files)
        below, above = tree, files.tree
        return StepResult(step, result.layer, LazyTree(lambda: merged(below.get(), above)))

    def _located(self, source: Source, origin: LazyTree | None) -> Located:
        """Return a source with the tree it is in."""
        if isinstance(source, PathSource):
            tree = empty_folder() if origin is None else origin.get()
            return Located(source, tree, source.path)
        if isinstance(source, TextSource):
            return Located(source, *written_file(source, self._clock))
        if isinstance(source, UrlSource):
            if self._downloads is None:
                raise EvaluationError(f"nothing is fetched here by URL: {source.url}")
            file = self._open.enter_context(download(self._downloads, source))
            return Located(source, folder_of({source.file_name: file}), source.file_name)
        return Located(source, self._repository(source), "/")

    def _repository(self, source: GitSource) -> Folder:
        if self._repositories is None:
            raise EvaluationError(f"no repository is fetched here: {source.remote}")
        return self._repositories.fetch(source)

    def _make_workdir(self, step: Workdir, tree: LazyTree | None) -> StepResult:
        before = None if tree is None else tree.get()
        files = FileSystem(before or empty_folder(), self._clock)
        owner = resolve_owner(step.owner, files, self._daemon, has_tree=before is not None)
        path = resolve_target(files, step.path)
        is_there = files.place(path).entry() is not None
        place = make_folders(files, path, FOLDER_MODE, owner, self._daemon)
        if self._epoch is not None and not is_there:
            place.set_file(place.own().file._replace(mtime=self._epoch, nanoseconds=0))
        return self._written(step, before, files)

    def _run(self, step: Run, tree: LazyTree | None) -> StepResult:
        if self._commands is None:
            raise EvaluationError(f"commands are not run here: {step.command}")
        before = None if tree is None else tree.get()
        files = FileSystem(self._commands.run(step, before or empty_folder()), self._clock)
        if self._daemon.touches_etc and files.place("etc").folder() is not None:
            files.place("etc").own()
        return self._written(step, before, files)

    def _written(self, step: Step, before: Folder | None, files: FileSystem) -> StepResult:
        """Return the result of a step that has written into its files."""
        after = files.tree
        layer = tuple(difference(before, after, compares=self._daemon.compares))
        reads = frozenset(files.reads) if before is not None else frozenset[str]()
        return StepResult(step, layer, LazyTree(lambda: after), reads)


@contextmanager
def _located_at(step: Step) -> Iterator[None]:
    """Tell with an error where its step stands."""
    try:
        yield
    except EvaluationError as error:
        if error.line:
            raise
        raise EvaluationError(
            error.message, line=step.lines.first, end_line=step.lines.last
        ) from error
