"""What builders have in common that speak to the daemon which builds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import AfterValidator

from imagebuilders.base_image_builder import BaseImageBuilder, ConfigT
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.environment import with_environment
from imagebuilders.build_options.job import BuildJob
from imagebuilders.build_options.result_files import check_result_files
from imagebuilders.build_summary import BuildSummary
from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions, FrontendCall
from imagebuilders.container_registries.pushing import check_push_names
from imagebuilders.events import (
    ContextProgress,
    Event,
    Notice,
    StepAdded,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    emit,
)
from imagebuilders.exceptions import (
    BuildContextError,
    BuildOptionsError,
    ConfigurationError,
    ImageBuilderError,
    ImageNameError,
)
from imagebuilders.many_builds import MAX_PARALLEL, BuildResult, BuildTask, run_builds
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_context import BuildContext
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.cache_misses.base_image import FindBase
    from imagebuilders.cache_misses.explanation import CacheExplanation
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile
    from imagebuilders.context.snapshot import ContextSnapshot
    from imagebuilders.unchanged.skipping import SkipDecision


def _frontend(value: str) -> str:
    """Check the setting `frontend`."""
    if value not in ("dockerfile", "builtin"):
        try:
            ImageReference.parse(value)
        except ImageNameError as error:
            raise ValueError(f"give dockerfile, builtin or an image's name. {error}") from error
    return value


FrontendSetting: TypeAlias = Annotated[str, AfterValidator(_frontend)]
"""What reads the Dockerfile with BuildKit: what its `# syntax=` line says, which is an image that
is pulled (`dockerfile`); BuildKit's own in spite of that line (`builtin`); or the name of an
image."""


@dataclass(frozen=True)
class BuildRequest:
    """What a builder is asked for, checked and read.

    Attributes:
        image_name: the image's name as it was given.
        reference: the name, parsed.
        names: all names that the image gets, this one first.
        options: the options.
        snapshot: the context, with its Dockerfile.
        registry: where the image is pushed, if a component says so.
        pushed: the names that it is to be pushed under, as they were given.
        keychain: knows who the user is at which registry.
        tell: what to do with events.
        explanation: explains what was not cached, where that was asked for.
    """

    image_name: str
    reference: ImageReference
    names: tuple[str, ...]
    options: DockerBuildOptions
    snapshot: ContextSnapshot
    registry: BaseContainerRegistry | None
    pushed: tuple[str, ...]
    keychain: Keychain = field(repr=False)
    tell: Callable[[Event], None] = field(repr=False)
    explanation: CacheExplanation | None = field(default=None, repr=False)

    def proxies(self, *addresses: str) -> Mapping[str, str]:
        """Return the build arguments that tell of the proxies which Docker's settings name.

        Args:
            addresses: the spellings of the daemon's address by which the settings may know it.

        Raises:
            ConfigurationError: Docker's configuration file is malformed.
        """
        return _proxies(self.options, self.keychain, addresses)

    def credentials(self) -> Keychain:
        """Return who to be at which registry; the registry's own credentials count first.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        return _with_registry(self.keychain, self.registry)

    def job(
        self,
        *,
        names: tuple[str, ...] | None = None,
        proxies: Mapping[str, str],
        frontend: str,
        will_push: bool,
        daemon: str = "",
        find_base: FindBase | None = None,
    ) -> BuildJob:
        """Return the build as a daemon is to do it, which is about to begin.

        Args:
            names: the image's names, if not all of them.
            proxies: build arguments that tell of proxies.
            frontend: the setting of that name.
            will_push: whether the image is to be pushed.
            daemon: what tells the daemon, and so its cache, from others; by default what the
                event `BuildStarted` called it.
            find_base: finds the images that the daemon has.

        Raises:
            RegistryError: a credential helper failed.
            ConfigurationError: Docker's configuration file is malformed.
        """
        explanation = self.explanation
        return BuildJob(
            self.snapshot,
            self.options,
            self.names if names is None else names,
            self.credentials(),
            proxies,
            frontend=frontend,
            will_push=will_push,
            emit=self.tell,
            before_buildkit=None
            if explanation is None
            else partial(explanation.begin, daemon=daemon, find_base=find_base),
        )


@dataclass(frozen=True)
class BuildOutcome:
    """What became of a build.

    Attributes:
        result: what `build` returns.
        size: the image's size in bytes, if there is an image and its size is known.
    """

    result: str
    size: int | None = None


class DaemonImageBuilder(BaseImageBuilder[ConfigT], DockerfileQuestions, ABC):
    """A builder that speaks to the daemon which builds: the same call, options, events, errors."""

    def build(
        self,
        image_name: str,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
        *,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> str:
        """Build an image, and push it if a registry is given, or by the option `push`.

        Every step is an event as it comes (see `imagebuilders.events`), and a line of the log.
        An exception of any kind, `KeyboardInterrupt` too, stops the build at the daemon.

        Args:
            image_name: the name, with an optional tag, that the image gets.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
            container_registry: where to push the image.
            explain_cache: whether to tell at the end, by events `CacheMissed`, why steps were not
                taken from BuildKit's cache, and to keep a record of the build for the next one.
            skip_unchanged: whether to build nothing when the registry has, under the image's name,
                an image of the same context, options and base images, by the label that such
                builds give it; the event `BuildSkipped` says so.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image, else the image name.

        Raises:
            BuildError: a step failed, or the daemon went away.
            PushError: the registry did not take the image.
            RegistryError: the login at the registry failed.
            ImageNameError: the name is malformed or does not belong to the registry.
            BuildOptionsError: an option is unknown, has a wrong value, or needs another daemon.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
            ConfigurationError: Docker's configuration file is malformed, or the settings do not
                do for this build.
            EngineNotFoundError: no Docker Engine answers, where one is to build.
        """
        from imagebuilders.auth.keychain import shared_keychain

        _check_types(build_context, container_registry)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        reference: ImageReference
        if container_registry is not None:
            reference = container_registry.check_image_name(image_name)
        else:
            reference = parse_build_target(image_name)
        names = (str(reference), *(str(parse_build_target(tag)) for tag in options.tags))
        _check_is_build(options)
        self._check(options, container_registry)
        pushed = _pushed(image_name, options, container_registry)
        if skip_unchanged and image_name not in pushed:
            raise ConfigurationError(
                "A build that may be skipped needs a registry that the image is pushed to: give a "
                "container registry, or the option 'push'.",
                key="skip_unchanged",
            )
        summary = BuildSummary(emit if options.tells_steps else _emit_results)
        snapshot = build_context.build_snapshot(options.dockerfile)
        explanation = _explanation(summary) if explain_cache else None
        with shared_keychain() as keychain:
            if skip_unchanged:
                decision = self._decide(
                    reference,
                    snapshot,
                    options,
                    _with_registry(keychain, container_registry),
                    summary,
                )
                if decision.unchanged is not None:
                    return decision.unchanged
                options = decision.options
            outcome = self._explained_build(
                BuildRequest(
                    image_name,
                    reference,
                    names,
                    options,
                    snapshot,
                    container_registry,
                    pushed,
                    keychain,
                    explanation or summary,
                    explanation,
                )
            )
        summary(summary.finished(str(reference), outcome.size))
        return outcome.result

    def _decide(
        self,
        reference: ImageReference,
        snapshot: ContextSnapshot,
        options: DockerBuildOptions,
        keychain: Keychain,
        tell: Callable[[Event], None],
    ) -> SkipDecision:
        """Ask the registries whether there is anything to build."""
        from imagebuilders.unchanged.build_key import ImageInputs
        from imagebuilders.unchanged.skipping import decide

        return decide(reference, ImageInputs(snapshot, options, self._frontend), keychain, tell)

    def _explained_build(self, request: BuildRequest) -> BuildOutcome:
        """Build and push; what was not cached is explained of a build that fails, too."""
        explanation = request.explanation
        try:
            outcome = self._build(request)
        except ImageBuilderError:
            if explanation is not None:
                explanation.finish(failed=True)
            raise
        if explanation is not None:
            explanation.finish()
        return outcome

    async def abuild(
        self,
        image_name: str,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
        *,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> str:
        """Build as `build` does, for asyncio; the event loop goes on meanwhile.

        The build runs in a thread of its own. Its events reach the listeners of the caller's
        context in the event loop's thread. When the task is cancelled, as by `asyncio.timeout`,
        the daemon stops the build, and nothing of it is left when this ends.

        Args:
            image_name, build_context, docker_build_options, container_registry, explain_cache,
                skip_unchanged: as for `build`.

        Returns:
            What `build` returns.

        Raises:
            ImageBuilderError: what `build` raises.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(
                self.build,
                image_name,
                build_context,
                docker_build_options,
                container_registry,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )
        )

    def build_many(
        self,
        tasks: Sequence[BuildTask],
        *,
        max_parallel: int = MAX_PARALLEL,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> list[BuildResult]:
        """Do several builds side by side over one connection; see `BaseImageBuilder.build_many`.

        Args:
            tasks: what is to be built.
            max_parallel: so many may run at a time.
            explain_cache, skip_unchanged: as for `build`, for each task.

        Returns:
            What became of each, in the order of the tasks.

        Raises:
            ConfigurationError: two tasks are called the same, or need each other.
        """

        def build(task: BuildTask) -> str:
            return self.build(
                task.image_name,
                task.build_context,
                task.docker_build_options,
                task.container_registry,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )

        return run_builds(build, tasks, max_parallel=max_parallel)

    async def abuild_many(
        self,
        tasks: Sequence[BuildTask],
        *,
        max_parallel: int = MAX_PARALLEL,
        explain_cache: bool = False,
        skip_unchanged: bool = False,
    ) -> list[BuildResult]:
        """Do several builds side by side, as `build_many` does, for asyncio; see `abuild`.

        Args:
            tasks, max_parallel, explain_cache, skip_unchanged: as for `build_many`.

        Returns:
            What `build_many` returns.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(
                self.build_many,
                tasks,
                max_parallel=max_parallel,
                explain_cache=explain_cache,
                skip_unchanged=skip_unchanged,
            )
        )

    @contextmanager
    def daemons(self) -> Iterator[Sequence[OpenDaemon]]:
        """Lend the BuildKit daemons that build, for a `with` block: one, or all that answer.

        What they keep can be looked at and removed with `imagebuilders.buildkit`: their build
        caches and the history of builds.

        Raises:
            BuildKitError: there is no BuildKit.
            EngineNotFoundError: no Docker Engine answers, where one is to build.
            ConfigurationError: Docker's configuration file is malformed.
        """
        from imagebuilders.auth.keychain import shared_keychain

        with shared_keychain() as keychain, self._open_daemons(keychain) as found:
            yield found

    def _ask(
        self,
        call: FrontendCall,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None,
    ) -> tuple[Mapping[str, bytes], FoundDockerfile]:
        from imagebuilders.auth.keychain import shared_keychain
        from imagebuilders.buildkit.frontend_calls import call_frontend

        _check_types(build_context, None)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        snapshot = build_context.build_snapshot(options.dockerfile)
        with shared_keychain() as keychain, self._open_daemons(keychain) as (daemon, *_):
            job = BuildJob(
                snapshot,
                options,
                (),
                _with_registry(keychain, None),
                _proxies(options, keychain, daemon.addresses),
                frontend=self._frontend,
            )
            return call_frontend(daemon.client, job, daemon.features, call), job.dockerfile

    @property
    @abstractmethod
    def _frontend(self) -> str:
        """The setting `frontend`."""

    @abstractmethod
    def _open_daemons(self, keychain: Keychain) -> AbstractContextManager[Sequence[OpenDaemon]]:
        """Lend the daemons that answer, at least one, for a `with` block.

        Raises:
            BuildKitError: none does.
        """

    @abstractmethod
    def _check(
        self, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
    ) -> None:
        """See, before the context is read, whether the build can be done at all.

        Raises:
            BuildOptionsError: an option cannot be honoured.
            ConfigurationError: the settings do not do for this build.
        """

    @abstractmethod
    def _build(self, request: BuildRequest) -> BuildOutcome:
        """Build and push."""


def _explanation(tell: Callable[[Event], None]) -> CacheExplanation:
    from imagebuilders.cache_misses.explanation import CacheExplanation

    return CacheExplanation(tell)


def _check_types(build_context: object, container_registry: object) -> None:
    """Refuse what cannot be meant, such as a path in place of a context.

    Raises:
        BuildContextError: the context is none.
        ConfigurationError: the registry is none.
    """
    if not hasattr(build_context, "for_dockerfile") or isinstance(build_context, type):
        raise BuildContextError(
            "The build context must be a BuildContext, as in BuildContext(root='app'), "
            f"not {_kind_of(build_context)}."
        )
    if container_registry is not None and (
        not hasattr(container_registry, "push_image") or isinstance(container_registry, type)
    ):
        raise ConfigurationError(
            "The container registry must be a component, as in "
            "DefaultContainerRegistry(uri='localhost:5000'), "
            f"not {_kind_of(container_registry)}."
        )


def _check_is_build(options: DockerBuildOptions) -> None:
    """See whether a build is asked for, and whether what is said of it can be written.

    Raises:
        BuildOptionsError: that is not so.
    """
    if options.call not in (None, "", "build"):
        raise BuildOptionsError(
            f"The option 'call' asks for {options.call!r}, which is no build. Ask the builder by "
            "its methods check, outline and targets, or on the command line by --call.",
            option="call",
        )
    check_result_files(options)


def _pushed(
    image_name: str, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
) -> tuple[str, ...]:
    """Return the names that the image is to be pushed under.

    Raises:
        ImageNameError: one does not belong to the registry.
        BuildOptionsError: one names no registry, and none is given.
    """
    if options.push:
        names = (image_name, *options.tags)
        check_push_names(names, container_registry)
        return names
    return () if container_registry is None else (image_name,)


def _kind_of(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__


def _emit_results(event: Event) -> None:
    """Tell what a quiet build still says."""
    if not isinstance(event, _OF_STEPS):
        emit(event)


_OF_STEPS = (
    *(ContextProgress, StepAdded, StepStarted, StepCached, StepOutput, StepProgress),
    StepFinished,
)


def _proxies(
    options: DockerBuildOptions, keychain: Keychain, addresses: Sequence[str]
) -> Mapping[str, str]:
    if options.use_config_proxy is False:
        return {}
    return keychain.config.proxy_build_arguments(*addresses)


def _with_registry(
    keychain: Keychain, container_registry: BaseContainerRegistry | None
) -> Keychain:
    """Return a keychain in which the registry's own credentials count first."""
    problem = keychain.problem()
    if problem is not None:
        emit(Notice(problem))
    own = None if container_registry is None else container_registry.resolve_credentials()
    if container_registry is None or own is None:
        return keychain
    return keychain.with_credentials(container_registry.address, own)
