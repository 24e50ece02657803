"""Builds with a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator

from imagebuilders.base_image_builder import (
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
)
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.job import BuildJob
from imagebuilders.build_summary import BuildSummary
from imagebuilders.buildkit.builder_choice import (
    BuilderSetting,
    build_with_engine,
    check_options,
)
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor
from imagebuilders.docker.client_source import ClientSource
from imagebuilders.events import (
    BuildStarted,
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
    BuildError,
    ConfigurationError,
    EngineError,
    EngineNotFoundError,
    ImageNameError,
)
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    import docker

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.docker.build_engine import BuildEngine


def _frontend(value: str) -> str:
    """Check the setting `frontend`."""
    if value not in ("dockerfile", "builtin"):
        try:
            ImageReference.parse(value)
        except ImageNameError as error:
            raise ValueError(f"give dockerfile, builtin or an image's name. {error}") from error
    return value


class LocalImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the local image builder."""

    builder: BuilderSetting = "auto"
    """What builds: BuildKit where the engine has it, else the classic builder; or one of them."""
    frontend: Annotated[str, AfterValidator(_frontend)] = "dockerfile"
    """What reads the Dockerfile with BuildKit: what its `# syntax=` line says, which is an image
    that is pulled (`dockerfile`); BuildKit's own in spite of that line (`builtin`); or the name
    of an image."""


class LocalImageBuilder(BaseImageBuilder[LocalImageBuilderConfig]):
    """Builds with the Docker Engine it finds, or with the container registry's own client."""

    def __init__(
        self,
        config: LocalImageBuilderConfig | None = None,
        *,
        name: str = "default",
        id: UUID | None = None,  # noqa: A002  (the documented name)
        docker_client: docker.DockerClient | None = None,
        **settings: object,
    ) -> None:
        """Make the component.

        Args:
            config: its settings; not together with `settings`.
            name: what the user calls it.
            id: a stable identity; a new one when none is given.
            docker_client: the engine's client to build with when no registry is given; without
                one, each build looks for the engine.
            settings: fields of the config.

        Raises:
            ConfigurationError: a setting is unknown, or `docker_client` is no
                `docker.DockerClient`.
        """
        super().__init__(config, name=name, id=id, **settings)
        self._source = ClientSource(docker_client, owner=type(self).__name__)

    @property
    def is_building_locally(self) -> bool:
        """`True`."""
        return True

    @staticmethod
    def _check_prerequisites() -> None:
        """See whether an engine answers.

        Raises:
            RuntimeError: none does; the text names what was tried and the two common causes.
        """
        from imagebuilders.docker.client import connect

        try:
            connect().close()
        except ConfigurationError as error:
            raise EngineNotFoundError(f"No Docker Engine can be looked for. {error}") from error

    def build(
        self,
        image_name: str,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build an image with a Docker Engine, and push it if a registry is given.

        Every step is an event as it comes (see `imagebuilders.events`), and a
        line of the log. An exception of any kind, `KeyboardInterrupt` too, stops the build at
        the engine.

        Args:
            image_name: the name, with an optional tag, that the image gets.
            build_context: the files the build may use.
            docker_build_options: options with the Docker SDK's keyword names, or typed ones.
            container_registry: where to push the image; its own `docker_client` builds.

        Returns:
            The repo digest (`repo@sha256:…`) of the pushed image, else the image name.

        Raises:
            BuildError: a step failed, or the engine went away.
            PushError: the registry did not take the image.
            RegistryError: the login at the registry failed.
            ImageNameError: the name is malformed or does not belong to the registry.
            BuildOptionsError: an option is unknown, has a wrong value, or needs BuildKit.
            BuildContextError: there is no Dockerfile, or the context is otherwise at fault.
            ConfigurationError: Docker's configuration file is malformed.
            EngineNotFoundError: no engine answers.
        """
        from imagebuilders.auth.keychain import shared_keychain

        _check_types(build_context, container_registry)
        options = DockerBuildOptions.from_any(docker_build_options)
        reference: ImageReference
        if container_registry is not None:
            reference = container_registry.check_image_name(image_name)
        else:
            reference = parse_build_target(image_name)
        names = (str(reference), *(str(parse_build_target(tag)) for tag in options.tags))
        check_options(options, self.config.builder)
        tell = BuildSummary(_emit_results if options.quiet else emit)
        snapshot = build_context.build_snapshot(options.dockerfile)
        with (
            shared_keychain() as keychain,
            self._engine_for(container_registry, keychain) as engine,
        ):
            try:
                version = engine.version()
            except EngineError as error:
                raise BuildError(f"{reference} was not built. {error}") from error
            tell(BuildStarted(str(reference), str(version)))
            if options.use_config_proxy is not False:
                proxies = keychain.config.proxy_build_arguments(*engine.addresses())
            else:
                proxies = {}
            job = BuildJob(
                snapshot,
                options,
                names,
                _with_registry(keychain, container_registry),
                proxies,
                frontend=self.config.frontend,
                will_push=container_registry is not None,
                emit=tell,
            )
            built = build_with_engine(engine, job, version, self.config.builder)
            size = engine.image_size(built) if built else None
            result = image_name
            if container_registry is not None:
                result = container_registry.push_image(image_name)
        tell(tell.finished(str(reference), size))
        return result

    async def abuild(
        self,
        image_name: str,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build as `build` does, for asyncio; the event loop goes on meanwhile.

        The build runs in a thread of its own. Its events reach the listeners of the caller's
        context in the event loop's thread. When the task is cancelled, as by `asyncio.timeout`,
        the engine stops the build, and nothing of it is left when this ends.

        Args:
            image_name, build_context, docker_build_options, container_registry: as for `build`.

        Returns:
            What `build` returns.

        Raises:
            ImageBuilderError: what `build` raises.
        """
        from imagebuilders.async_build import run_in_thread  # asyncio takes long to import

        return await run_in_thread(
            partial(self.build, image_name, build_context, docker_build_options, container_registry)
        )

    @contextmanager
    def _engine_for(
        self, container_registry: BaseContainerRegistry | None, keychain: Keychain
    ) -> Iterator[BuildEngine]:
        """Lend the engine to build with; what is opened for this build is closed after it."""
        from imagebuilders.docker.build_engine import DiscoveredEngine, GivenEngine

        if container_registry is not None:
            yield GivenEngine(container_registry.docker_client)
        elif self._source.is_given:
            with self._source.lend() as client:
                yield GivenEngine(client)
        else:
            from imagebuilders.connections.discovery import find_engine

            found = find_engine(docker_config=keychain.config)
            with closing(DiscoveredEngine(found, keychain.config)) as engine:
                yield engine


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


class LocalImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `local`."""

    name = "local"
    config_class = LocalImageBuilderConfig
    implementation_class = LocalImageBuilder
    logo_url = f"{DOCS_URL}/_static/local.svg"
