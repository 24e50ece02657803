"""Builds with a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from imagebuilders.base_image_builder import (
    BaseImageBuilder,
    BaseImageBuilderConfig,
    BaseImageBuilderFlavor,
)
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.build_options.buildkit_attributes import check_buildkit, without_meaning
from imagebuilders.build_options.classic_query import check_classic
from imagebuilders.build_options.job import BuildJob
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
)

if TYPE_CHECKING:
    import docker

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_context import BuildContext
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.oci.reference import ImageReference


class LocalImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the local image builder."""

    builder: Literal["auto", "buildkit", "classic"] = "classic"
    """What builds: the engine's classic builder; BuildKit, which must be there; or, with `auto`,
    BuildKit where the engine has it and the classic builder elsewhere."""


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
        from imagebuilders.docker.client import describe_engine, engine_addresses
        from imagebuilders.oci.reference import parse_build_target

        _check_types(build_context, container_registry)
        options = DockerBuildOptions.from_any(docker_build_options)
        reference: ImageReference
        if container_registry is not None:
            reference = container_registry.check_image_name(image_name)
        else:
            reference = parse_build_target(image_name)
        names = (str(reference), *(str(parse_build_target(tag)) for tag in options.tags))
        self._check_options(options)
        snapshot = build_context.build_snapshot(options.dockerfile)
        tell = _emit_results if options.quiet else emit
        with (
            shared_keychain() as keychain,
            self._client_for(container_registry, keychain) as client,
        ):
            try:
                engine = describe_engine(client)
            except EngineError as error:
                raise BuildError(f"{reference} was not built. {error}") from error
            tell(BuildStarted(str(reference), engine))
            if options.use_config_proxy is not False:
                proxies = keychain.config.proxy_build_arguments(*engine_addresses(client))
            else:
                proxies = {}
            keychain_of_build = _with_registry(keychain, container_registry)
            job = BuildJob(snapshot, options, names, keychain_of_build, proxies, tell)
            self._build_image(client, job)
            if container_registry is not None:
                return container_registry.push_image(image_name)
        return image_name

    def _check_options(self, options: DockerBuildOptions) -> None:
        """See whether the options can be honoured at all.

        Raises:
            BuildOptionsError: one cannot.
        """
        if self.config.builder == "classic":
            check_classic(options)
        elif self.config.builder == "buildkit":
            check_buildkit(options)
        elif without_meaning(options):
            check_classic(options)

    def _build_image(self, client: docker.DockerClient, job: BuildJob) -> None:
        """Build with BuildKit where the engine has it and the options allow it, else classically.

        Raises:
            BuildError: the build failed, or must be BuildKit's and the engine has none.
        """
        wanted = self.config.builder
        reason = _classic_because(job.options) if wanted == "auto" else ""
        if wanted != "classic" and not reason:
            refused = self._build_with_buildkit(client, job)
            if not refused:
                return
            reason = f"the engine offers no BuildKit ({refused})"
            if wanted == "buildkit":
                raise BuildError(
                    f"{job.names[0]} was not built: {reason}, and the setting builder='buildkit' "
                    "allows no other builder."
                )
        if reason:
            job.emit(Notice(f"Building with the classic builder: {reason}."))
        from imagebuilders.docker.classic_build import build_classically

        build_classically(client, job)

    @staticmethod
    def _build_with_buildkit(client: docker.DockerClient, job: BuildJob) -> str:
        """Build with BuildKit; return what an engine said that has none, else an empty text."""
        from imagebuilders.buildkit.engine import engine_buildkit
        from imagebuilders.buildkit.engine_build import build_with_buildkit
        from imagebuilders.docker.upgrade import UpgradeRefusedError

        try:
            buildkit = engine_buildkit(client)
        except UpgradeRefusedError as refused:
            return refused.reason
        except EngineError as error:
            raise BuildError(f"{job.names[0]} was not built. {error}") from error
        with buildkit:
            build_with_buildkit(buildkit, job)
        return ""

    @contextmanager
    def _client_for(
        self, container_registry: BaseContainerRegistry | None, keychain: Keychain
    ) -> Iterator[docker.DockerClient]:
        """Lend the client to build with; one that is made for this build is closed after it."""
        if container_registry is not None:
            yield container_registry.docker_client
            return
        from imagebuilders.docker.client import connect

        with self._source.lend(lambda: connect(docker_config=keychain.config)) as client:
            yield client


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


def _classic_because(options: DockerBuildOptions) -> str:
    """Return why a build must be a classic one; empty when it need not."""
    found = without_meaning(options)
    return f"BuildKit has no meaning for the option {found[0]!r}" if found else ""


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
