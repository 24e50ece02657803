"""Which of an engine's two builders builds: BuildKit, or the classic one.

BuildKit's client is imported where it is used: a classic build does not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from imagebuilders.build_options.buildkit_attributes import check_buildkit, without_meaning
from imagebuilders.build_options.classic_query import check_classic
from imagebuilders.cancellation import stopped_by
from imagebuilders.events import Notice
from imagebuilders.exceptions import BuildError, BuildOptionsError, EngineError

if TYPE_CHECKING:
    import docker

    from imagebuilders.build_options.fields import OptionValues
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.connections.engine_version import EngineVersion

BuilderSetting: TypeAlias = Literal["auto", "buildkit", "classic"]


def check_options(options: OptionValues, builder: BuilderSetting) -> None:
    """See, without asking the engine, whether the options can be honoured at all.

    Args:
        options: the options.
        builder: which builder may build.

    Raises:
        BuildOptionsError: one cannot.
    """
    if builder == "classic":
        check_classic(options)
    elif builder == "buildkit":
        check_buildkit(options)
    elif reason := _classic_because(options):
        _check_classic(options, reason)


def build_with_engine(
    client: docker.DockerClient, job: BuildJob, version: EngineVersion, builder: BuilderSetting
) -> None:
    """Build with BuildKit where the engine has it and the options allow it, else classically.

    Args:
        client: the engine's client.
        job: the build.
        version: what the engine says of itself.
        builder: which builder may build; `auto` for BuildKit or else, with one notice that tells
            why, the classic one.

    Raises:
        BuildError: a step failed, the engine went away, or it has no BuildKit and no other
            builder is allowed.
        BuildOptionsError: the builder that is left cannot honour an option.
        BuildContextError: the context is at fault.
    """
    reason = "" if builder == "buildkit" else _classic_because(job.options)
    if builder != "classic":
        reason = reason or _try_buildkit(client, job, version, builder)
        if not reason:
            return
        _check_classic(job.options, reason)
        job.emit(Notice(f"Building with the classic builder: {reason}."))
    from imagebuilders.docker.classic_build import build_classically

    build_classically(client, job)


def _try_buildkit(
    client: docker.DockerClient, job: BuildJob, version: EngineVersion, builder: BuilderSetting
) -> str:
    """Build with BuildKit; return why the build must be a classic one, else an empty text."""
    from imagebuilders.buildkit.engine import engine_buildkit
    from imagebuilders.buildkit.engine_build import build_with_buildkit
    from imagebuilders.buildkit.engine_features import EngineFeatures
    from imagebuilders.buildkit.transport.errors import TransportError
    from imagebuilders.docker.upgrade import UpgradeRefusedError

    try:
        buildkit = engine_buildkit(client)
    except UpgradeRefusedError as refused:
        reason = f"{version} offers no BuildKit ({refused.reason})"
        if builder == "buildkit":
            raise BuildError(
                f"{job.names[0]} was not built: {reason}, and the setting builder='buildkit' "
                "allows no other builder."
            ) from refused
        return reason
    except EngineError as error:
        raise BuildError(f"{job.names[0]} was not built. {error}") from error
    with buildkit, stopped_by(buildkit.close):
        try:
            features = EngineFeatures.of(version, buildkit.workers())
        except TransportError as error:
            raise BuildError(f"{job.names[0]} was not built: {error}.") from error
        ignored = features.ignored(job.options)
        if ignored and builder == "auto":
            return f"the BuildKit of {version} passes over the option {ignored[0]!r}"
        build_with_buildkit(buildkit, job, features)
    return ""


def _classic_because(options: OptionValues) -> str:
    """Return why a build must be a classic one; empty when it need not."""
    found = without_meaning(options)
    return f"BuildKit has no meaning for the option {found[0]!r}" if found else ""


def _check_classic(options: OptionValues, reason: str) -> None:
    """See whether a build that must be a classic one can be.

    Raises:
        BuildOptionsError: it cannot; the error says why it must, and what else would do.
    """
    try:
        check_classic(options)
    except BuildOptionsError as error:
        raise BuildOptionsError(
            f"{error} The classic builder would have to build: {reason}.",
            option=error.option,
            suggestion=error.suggestion,
            problems=error.problems,
        ) from error
