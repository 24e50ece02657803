"""What builders have in common that speak to the daemon which builds.

It is longer than other modules: the calls that users make stand here together, with what they mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

from imagebuilders.base_image_builder import ConfigT
from imagebuilders.build_checks import (
    all_names,
    check_is_build,
    check_types,
    names_to_push,
    parse_image_name,
)
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.environment import with_environment
from imagebuilders.build_options.job import BuildJob
from imagebuilders.build_request import (
    BuildOutcome,
    BuildRequest,
    proxy_arguments,
    with_registry,
)
from imagebuilders.build_summary import BuildSummary, emit_results
from imagebuilders.buildkit.dockerfile_questions import DockerfileQuestions, FrontendCall
from imagebuilders.events import Event, emit
from imagebuilders.exceptions import (
    ConfigurationError,
    ImageBuilderError,
)
from imagebuilders.extended_image_builder import ExtendedImageBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_context import BuildContext
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.cache_misses.explanation import CacheExplanation
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.context.dockerfile_lookup import FoundDockerfile
    from imagebuilders.context.snapshot import ContextSnapshot
    from imagebuilders.oci.reference import ImageReference
    from imagebuilders.unchanged.skipping import SkipDecision


class DaemonImageBuilder(ExtendedImageBuilder[ConfigT], DockerfileQuestions, ABC):
    """A builder that speaks to the daemon which builds: the same call, options, events, errors."""

    def build(
        self,
        image_name: str | None,
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
            image_name: the name, with an optional tag, that the image gets; `None` for none.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
            container_registry: where to push the image.
            explain_cache: whether to tell at the end, by events `CacheMissed`, why steps were not
                taken from BuildKit's cache, and to keep a record of the build for the next one.
            skip_unchanged: whether to build nothing when the registry has, under the image's name,
                an image of the same context, options and base images, by the label that such
                builds give it; the event `BuildSkipped` says so.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image, else the image name. Of an image
            without a name: its ID where an engine has it, else the digest of what `outputs` wrote;
            empty where that is no image.

        Raises:
            BuildError: a step failed, or the daemon went away.
            PushError: the registry did not take the image.
            RegistryError: the login at the registry failed.
            ImageNameError: the name is malformed, does not belong to the registry, or is missing
                though the image is to be pushed.
            BuildOptionsError: an option is unknown, has a wrong value, or needs another daemon.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
            ConfigurationError: Docker's configuration file is malformed, or the settings do not
                do for this build.
            EngineNotFoundError: no Docker Engine answers, where one is to build.
        """
        from imagebuilders.auth.keychain import shared_keychain

        check_types(build_context, container_registry)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        reference = parse_image_name(image_name, container_registry)
        names = all_names(reference, options)
        check_is_build(options)
        self._check(options, container_registry)
        pushed = names_to_push(image_name, options, container_registry)
        if skip_unchanged and image_name not in pushed:
            raise ConfigurationError(
                "A build that may be skipped needs a registry that the image is pushed to: give a "
                "container registry, or the option 'push'.",
                key="skip_unchanged",
            )
        summary = BuildSummary(emit if options.tells_steps else emit_results)
        snapshot = build_context.build_snapshot(options.dockerfile)
        explanation = _explanation(summary) if explain_cache else None
        with shared_keychain() as keychain:
            credentials = cache(partial(with_registry, keychain, container_registry))
            if skip_unchanged:
                assert reference is not None  # it is pushed
                decision = self._decide(reference, snapshot, options, credentials(), summary)
                if decision.unchanged is not None:
                    return decision.unchanged
                options = decision.options
            if container_registry is not None:
                for name in pushed:
                    container_registry.prepare_push(name)
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
                    credentials,
                    summary,
                    explanation,
                )
            )
        summary(summary.finished(str(reference or ""), outcome.size, outcome.digest))
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

        check_types(build_context, None)
        options = with_environment(DockerBuildOptions.from_any(docker_build_options))
        snapshot = build_context.build_snapshot(options.dockerfile)
        with shared_keychain() as keychain, self._open_daemons(keychain) as (daemon, *_):
            job = BuildJob(
                snapshot,
                options,
                (),
                with_registry(keychain, None),
                proxy_arguments(options, keychain, daemon.addresses),
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
