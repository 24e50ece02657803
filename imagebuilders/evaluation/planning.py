"""The plan of a build: what it would do, and nothing of it done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field, replace
from functools import cached_property

from imagebuilders.build_context import BuildContext
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.platforms import resolve_platforms
from imagebuilders.evaluation.questions import Images
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.steps import Copy
from imagebuilders.evaluation.taken_files import TakenFile, TakenFiles
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform


@dataclass(frozen=True)
class BuildPlan:
    """What a build would do.

    Attributes:
        builds: the resolved stages and steps, for each platform.
        is_index: the result is an index of images.
        warnings: what BuildKit warns of, each once.
        context: the build context.
    """

    builds: tuple[Resolution, ...]
    is_index: bool
    warnings: tuple[LintWarning, ...]
    context: ContextSnapshot = field(repr=False)

    def files(self, step: Copy) -> tuple[TakenFile, ...]:
        """Return the files of the context that a COPY or ADD takes, and where they go."""
        return self._taken_files.of(step)

    @cached_property
    def _taken_files(self) -> TakenFiles:
        return TakenFiles(list(self.context))


def plan(
    build_context: BuildContext | str | os.PathLike[str],
    *,
    images: Images,
    dockerfile: str | None = None,
    platforms: Sequence[Platform] = (),
    options: ResolveOptions | None = None,
) -> BuildPlan:
    """Resolve the Dockerfile of a context as BuildKit does.

    Args:
        build_context: the context, or its folder.
        images: is asked how base images are configured: `RegistryImages`, say.
        dockerfile: the Dockerfile, relative to the context's root, or a path outside it.
        platforms: to build for; none for the platform of the base.
        options: what else is asked for. The ignore file is that of the context.

    Raises:
        EvaluationError: the Dockerfile cannot be resolved; in BuildKit's words, with the line.
        BuildContextError: the context or the Dockerfile cannot be read.
    """
    if not isinstance(build_context, BuildContext):
        build_context = BuildContext(os.fspath(build_context))
    snapshot = build_context.build_snapshot(dockerfile)
    if snapshot.dockerfile is None:
        raise BuildContextError("The build context has no Dockerfile.")
    ignore_file = snapshot.ignore_file
    lines = () if ignore_file is None else tuple(line.text for line in ignore_file.lines)
    wanted = replace(options or ResolveOptions(), ignore_lines=lines)
    warnings: list[LintWarning] = []
    found = resolve_platforms(
        snapshot.dockerfile.content, wanted, images, platforms, warn=warnings.append
    )
    return BuildPlan(found.resolutions, found.is_index, tuple(dict.fromkeys(warnings)), snapshot)
