"""Which of an engine's two builders builds: BuildKit, or the classic one.

BuildKit's client is imported where it is used: a classic build does not need it.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal, TypeAlias

from imagebuilders.build_options.buildkit_attributes import check_buildkit, without_meaning
from imagebuilders.build_options.classic_query import check_classic
from imagebuilders.build_options.environment import CHOICE, wants_classic
from imagebuilders.build_options.job import BuildProduct
from imagebuilders.cancellation import stopped_by
from imagebuilders.events import Notice
from imagebuilders.exceptions import BuildError, BuildOptionsError, EngineError
from imagebuilders.sharing import in_turn, lent

if TYPE_CHECKING:
    from imagebuilders.build_options.fields import OptionValues
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.connections.engine_version import EngineVersion
    from imagebuilders.docker.build_engine import BuildEngine

logger = logging.getLogger(__name__)

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
    elif wants_classic():
        _check_classic(options, f"the environment has {CHOICE}=0")
    else:
        try:
            _check_for_buildkit(options)
        except _ClassicInsteadError as reason:
            _check_classic(options, str(reason))


def build_with_engine(
    engine: BuildEngine, job: BuildJob, version: EngineVersion, builder: BuilderSetting
) -> BuildProduct:
    """Build with BuildKit where the engine has it and the options allow it, else classically.

    Args:
        engine: the engine.
        job: the build.
        version: what the engine says of itself.
        builder: which builder may build; `auto` for BuildKit or else, with one notice that tells
            why, the classic one, or Podman's own. `DOCKER_BUILDKIT=0` in the environment makes
            `auto` `classic`.

    Returns:
        What became of it: the image's ID, and whether the engine has the image.

    Raises:
        BuildError: a step failed, the engine went away, or it has no BuildKit and no other
            builder is allowed.
        BuildOptionsError: the builder that is left cannot honour an option.
        BuildContextError: the context is at fault.
    """
    is_classic = builder == "classic" or (builder == "auto" and wants_classic())
    if version.is_podman and builder != "buildkit":
        built = _build_with_podman(engine, job, version)
        if not is_classic:
            job.emit(Notice("Built with Podman's own builder: Podman has no BuildKit."))
        return built
    if is_classic:
        return _build_classically(engine, job)
    try:
        if builder == "auto":
            _check_for_buildkit(job.options)
        return _build_with_buildkit(engine, job, version, builder)
    except _ClassicInsteadError as instead:
        reason, is_choice = str(instead), instead.is_choice
    _check_classic(job.options, reason)
    if is_choice:
        job.emit(Notice(f"Building with the classic builder: {reason}."))
        return _build_classically(engine, job)
    try:
        built = _build_classically(engine, job)
    except BuildError:
        # No event: those of a build that failed are about what failed.
        logger.warning("The classic builder built %s: %s.", job.shown_name, reason)
        raise
    job.emit(Notice(f"Built with the classic builder: {reason}."))
    return built


def _build_classically(engine: BuildEngine, job: BuildJob) -> BuildProduct:
    from imagebuilders.docker.classic_build import build_classically

    with in_turn(("client", id(engine))):  # the SDK's client is for one thread
        return BuildProduct(build_classically(engine.client(), job), is_kept=True)


def _build_with_podman(engine: BuildEngine, job: BuildJob, version: EngineVersion) -> BuildProduct:
    from imagebuilders.docker.podman_build import build_with_podman

    return BuildProduct(build_with_podman(engine.client(), job, version), is_kept=True)


class _ClassicInsteadError(Exception):
    """Why a build must be a classic one.

    Attributes:
        is_choice: whether the engine has BuildKit, but an option decides.
    """

    def __init__(self, reason: str, *, is_choice: bool) -> None:
        super().__init__(reason)
        self.is_choice = is_choice


def _build_with_buildkit(
    engine: BuildEngine, job: BuildJob, version: EngineVersion, builder: BuilderSetting
) -> BuildProduct:
    """Build with BuildKit.

    Raises:
        _ClassicInsteadError: the engine has none, or passes an option over.
    """
    from imagebuilders.buildkit.engine import engine_buildkit
    from imagebuilders.connections.upgrade import UpgradeRefusedError

    serving = ExitStack()
    try:
        buildkit = serving.enter_context(
            lent(("buildkit", id(engine)), lambda: engine_buildkit(engine))
        )
    except UpgradeRefusedError as refused:
        reason = f"{version} offers no BuildKit ({refused.reason})"
        if builder == "buildkit":
            raise BuildError(
                f"{job.shown_name} was not built: {reason}, and the setting builder='buildkit' "
                "allows no other builder."
            ) from refused
        raise _ClassicInsteadError(reason, is_choice=False) from refused
    except EngineError as error:
        raise BuildError(f"{job.shown_name} was not built. {error}") from error
    # Only now: an engine without BuildKit needs none of this, nor HTTP/2.
    from imagebuilders.buildkit.transport.errors import TransportError

    with serving, stopped_by(buildkit.close):
        try:
            workers = buildkit.ask_workers()
            # What is needed next is loaded while the engine looks for its answer.
            from imagebuilders.buildkit.engine_build import build_with_buildkit
            from imagebuilders.buildkit.engine_features import EngineFeatures

            features = EngineFeatures.of(version, workers())
        except TransportError as error:
            raise BuildError(f"{job.shown_name} was not built: {error}.") from error
        ignored = features.ignored(job.options)
        if ignored and builder == "auto":
            raise _ClassicInsteadError(
                f"the BuildKit of {version} passes over the option {ignored[0]!r}", is_choice=True
            )
        return build_with_buildkit(buildkit, job, features)


def _check_for_buildkit(options: OptionValues) -> None:
    """See whether BuildKit has a meaning for all options.

    Raises:
        _ClassicInsteadError: it has not.
    """
    found = without_meaning(options)
    if found:
        raise _ClassicInsteadError(
            f"BuildKit has no meaning for the option {found[0]!r}", is_choice=True
        )


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
