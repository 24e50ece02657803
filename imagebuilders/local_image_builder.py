"""Builds with a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from imagebuilders.base_image_builder import BaseImageBuilderConfig, BaseImageBuilderFlavor
from imagebuilders.build_request import BuildOutcome, BuildRequest, FrontendSetting
from imagebuilders.buildkit.builder_choice import (
    BuilderSetting,
    build_with_engine,
    check_options,
)
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor
from imagebuilders.daemon_image_builder import DaemonImageBuilder
from imagebuilders.docker.client_source import ClientSource
from imagebuilders.events import BuildStarted
from imagebuilders.exceptions import (
    BuildError,
    ConfigurationError,
    EngineError,
    EngineNotFoundError,
)
from imagebuilders.sharing import in_turn, lent

if TYPE_CHECKING:
    import docker

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.docker.build_engine import BuildEngine


class LocalImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the local image builder."""

    builder: BuilderSetting = "auto"
    """What builds: BuildKit where the engine has it, else the classic builder; or one of them."""
    frontend: FrontendSetting = "dockerfile"
    """What reads the Dockerfile with BuildKit: what its `# syntax=` line says, which is an image
    that is pulled (`dockerfile`); BuildKit's own in spite of that line (`builtin`); or the name
    of an image."""


class LocalImageBuilder(DaemonImageBuilder[LocalImageBuilderConfig]):
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

    def _check(
        self, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
    ) -> None:
        """See, without asking the engine, whether the options can be honoured at all."""
        del container_registry
        check_options(options, self.config.builder)

    def _build(self, request: BuildRequest) -> BuildOutcome:
        """Build with the engine, and have it push the image if that is asked for."""
        with (
            self._engine_for(request.registry, request.keychain) as engine,
            _push_targets(request, engine) as targets,
        ):
            try:
                version = engine.version()
            except EngineError as error:
                raise BuildError(f"{request.shown_name} was not built. {error}") from error
            request.tell(BuildStarted(request.told_name, str(version)))
            job = request.job(
                proxies=request.proxies(*engine.addresses()),
                frontend=self.config.frontend,
                will_push=bool(targets),
                daemon=engine.addresses()[0] if engine.addresses() else "",
                find_base=engine.base_image,
            )
            built = build_with_engine(engine, job, version, self.config.builder)
            size = engine.image_size(built.digest) if built.is_kept else None
            with in_turn(("client", id(engine))) if targets else nullcontext():
                references = {name: target.push_image(name) for name, target in targets.items()}
            name = request.image_name
            return BuildOutcome(built.digest if name is None else references.get(name, name), size)

    @property
    def _frontend(self) -> str:
        """The setting `frontend`."""
        return self.config.frontend

    @contextmanager
    def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
        """Lend the engine's BuildKit."""
        from imagebuilders.buildkit.engine_client import open_engine_buildkit

        with self._engine_for(None, keychain) as engine, open_engine_buildkit(engine) as daemon:
            yield (daemon,)

    @contextmanager
    def _engine_for(
        self, container_registry: BaseContainerRegistry | None, keychain: Keychain
    ) -> Iterator[BuildEngine]:
        """Lend the engine to build with; what is opened for this build is closed after it."""
        if container_registry is not None:
            key: object = container_registry.docker_client
        else:
            key = self._source
        with lent(
            ("engine", id(key)), lambda: self._own_engine(container_registry, keychain)
        ) as engine:
            yield engine

    @contextmanager
    def _own_engine(
        self, container_registry: BaseContainerRegistry | None, keychain: Keychain
    ) -> Iterator[BuildEngine]:
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


def _push_targets(
    request: BuildRequest, engine: BuildEngine
) -> AbstractContextManager[Mapping[str, BaseContainerRegistry]]:
    """Return the registries that the image goes to, by its names."""
    if not request.pushed:
        return nullcontext({})
    from imagebuilders.container_registries.pushing import push_targets

    return push_targets(request.pushed, request.registry, partial(_client_of, engine))


def _client_of(engine: BuildEngine) -> docker.DockerClient:
    """Return the SDK's client, which is made when it is first asked for."""
    with in_turn(("client", id(engine))):
        return engine.client()


class LocalImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `local`."""

    name = "local"
    config_class = LocalImageBuilderConfig
    implementation_class = LocalImageBuilder
    logo_url = f"{DOCS_URL}/_static/local.svg"
