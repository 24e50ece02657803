"""What needs a daemon, told before anything is read or sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imagebuilders.context.remote import RemoteSource
from imagebuilders.daemonless.failures import instruction_at
from imagebuilders.dockerfile import excerpt, parse
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.steps import Copy, GitSource, Run, Stage, Step
from imagebuilders.exceptions import BuildContextError, BuildError
from imagebuilders.lazy_dataclass import dataclass

_BUILDERS = (
    "Builders that can: LocalImageBuilder (flavor 'local', a Docker Engine), BuildKitImageBuilder "
    "(flavor 'buildkit', buildkitd) and AWSImageBuilder (flavor 'aws', CodeBuild)."
)


@dataclass(frozen=True)
class _Refused:
    """A step that cannot be done here."""

    stage: Stage
    step: Step

    @property
    def what(self) -> str:
        """What the step is."""
        name = "RUN" if isinstance(self.step, Run) else "ADD of a git repository"
        place = f"{name} in line {self.step.lines.first}"
        if self.step.trigger:
            return f"{name} by an ONBUILD of the base in line {self.step.lines.first}"
        return place


def check_runs_nothing(resolutions: Iterable[Resolution], content: bytes, image_name: str) -> None:
    """Refuse a Dockerfile of which a needed stage runs commands or fetches repositories.

    Args:
        resolutions: the Dockerfile, resolved.
        content: the Dockerfile.
        image_name: the image's name.

    Raises:
        BuildError: it does; with all the lines, and the builders that could.
    """
    found: dict[tuple[int, int, str], _Refused] = {}
    for resolution in resolutions:
        for refused in _refused(resolution):
            key = (refused.step.lines.first, refused.step.lines.last, refused.what)
            found.setdefault(key, refused)
    if not found:
        return
    ordered = [found[key] for key in sorted(found)]
    dockerfile = parse(content)
    shown = "\n".join(
        excerpt(dockerfile, each.step.lines.first, each.step.lines.last, around=0).rstrip("\n")
        for each in ordered
    )
    whats = ", ".join(dict.fromkeys(each.what for each in ordered))
    raise BuildError(
        f"{image_name} was not built: without a daemon no command is run, and the Dockerfile has "
        f"{whats}.\n{shown}\n{_BUILDERS} Or put these steps into a base image of their own, and "
        "build on top of it without a daemon.",
        instruction=instruction_at(dockerfile, ordered[0].step.lines.first),
        excerpt=shown or None,
    )


def _refused(resolution: Resolution) -> Iterator[_Refused]:
    for stage in resolution.stages:
        for step in stage.steps if stage.needed else ():
            fetches = isinstance(step, Copy) and any(
                isinstance(source, GitSource) for source in step.sources
            )
            if isinstance(step, Run) or fetches:
                yield _Refused(stage, step)


def check_is_local(remote: RemoteSource | None) -> None:
    """Refuse a build context whose files are not known here.

    Raises:
        BuildContextError: that is so.
    """
    if remote is not None:
        raise BuildContextError(
            "Without a daemon the build context is a folder of this machine; one that is fetched, "
            f"or comes as an archive, is for a daemon. {_BUILDERS}"
        )
