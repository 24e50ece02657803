"""Builds with BuildKit's own daemon, on this machine or another, without a Docker Engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from imagebuilders.base_image_builder import BaseImageBuilderConfig, BaseImageBuilderFlavor
from imagebuilders.build_options.buildkit_attributes import check_buildkit, chosen_outputs
from imagebuilders.build_request import BuildOutcome, BuildRequest, FrontendSetting
from imagebuilders.buildkit.daemon_settings import Addresses, PlatformName, listed
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor
from imagebuilders.components.user_path import UserPath
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.daemon_image_builder import DaemonImageBuilder
from imagebuilders.events import BuildStarted, Event, ImagePushed, Notice
from imagebuilders.exceptions import (
    BuildError,
    BuildKitError,
    ConfigurationError,
    PushError,
    RegistryError,
)
from imagebuilders.oci.reference import ImageReference, parse_build_target

if TYPE_CHECKING:
    from typing_extensions import Self

    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.build_options.job import BuildJob
    from imagebuilders.buildkit.daemon import Daemon
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.buildkit.platform_builds import PlatformGroup
    from imagebuilders.container_registries import BaseContainerRegistry

_DURATION = Field(default=None, gt=0, allow_inf_nan=False)


class BuildKitImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the BuildKit image builder.

    Without `addresses` and `builder` the variables `BUILDX_BUILDER` and then `BUILDKIT_HOST` name
    them.
    """

    addresses: Addresses = ()
    """Where daemons are: `unix:///path`, `tcp://host:port`, `ssh://user@host`,
    `docker-container://name` or `kube-pod://pod?namespace=…&container=…`; one, or several as a
    list or with commas between them."""
    platform_addresses: dict[PlatformName, Addresses] = Field(default_factory=dict)
    """Daemons that build for one platform each, as in `{"linux/arm64": "tcp://arm:1234"}`."""
    builder: str | None = None
    """A builder that `docker buildx create` made, or a Docker context, instead of addresses."""
    tls_ca: UserPath | None = None
    """The authority that the daemons' certificates are checked by; with any of these four,
    `tcp://` is spoken to by TLS."""
    tls_certificate: UserPath | None = None
    """The client's own certificate, which daemons may demand."""
    tls_key: UserPath | None = None
    """The key of that certificate."""
    tls_server_name: str | None = None
    """Whom the daemons' certificates are for, if not the host of the address."""
    health_timeout: float | None = _DURATION
    """Seconds that a daemon may take to say that it is there; by default 2 where there are
    several, else 10."""
    start_timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Seconds that a daemon may take to begin with a build before the next one is tried."""
    frontend: FrontendSetting = "dockerfile"
    """What reads the Dockerfile, as for `LocalImageBuilder`: `dockerfile`, `builtin`, an image."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.builder is not None and (self.addresses or self.platform_addresses):
            raise ValueError("builder and addresses exclude each other: a builder has its own")
        return self

    @property
    def tls(self) -> TLSFiles | None:
        """The files for TLS; `None` when it is not to be spoken."""
        files = (self.tls_ca, self.tls_certificate, self.tls_key)
        is_spoken = any(files) or self.tls_server_name is not None
        return TLSFiles(*files, server_name=self.tls_server_name) if is_spoken else None


class BuildKitImageBuilder(DaemonImageBuilder[BuildKitImageBuilderConfig]):
    """Builds with BuildKit's own daemons, which push the image themselves.

    No Docker Engine is needed. The image goes to the container registry, or where the options
    `push` and `outputs` say; a build with none is refused, as its result would be nowhere.
    """

    @property
    def is_building_locally(self) -> bool:
        """`False`."""
        return False

    @property
    def _frontend(self) -> str:
        """The setting `frontend`."""
        return self.config.frontend

    def _daemons(self) -> list[Daemon]:
        """Return the daemons that the settings name.

        Raises:
            ConfigurationError: they name none, or one that cannot be used.
            BuildKitError: the pods of a builder on Kubernetes cannot be listed.
        """
        from imagebuilders.buildkit.daemon_choice import configured_daemons

        config = self.config
        return configured_daemons(
            listed(config.addresses),
            {name: listed(given) for name, given in config.platform_addresses.items()},
            builder=config.builder,
            tls=config.tls,
        )

    @contextmanager
    def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
        """Lend the daemons that answer."""
        from imagebuilders.buildkit.fleet import all_that_answer
        from imagebuilders.buildkit.fleet_build import health_seconds

        del keychain  # daemons ask for no login
        daemons = self._daemons()
        with all_that_answer(daemons, health_seconds(daemons, self.config.health_timeout)) as found:
            yield found

    def _check(
        self, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
    ) -> None:
        """See, without asking a daemon, whether the build can be done at all."""
        from imagebuilders.buildkit.daemon_choice import check_named

        check_buildkit(options)
        if container_registry is None and not chosen_outputs(options):
            raise ConfigurationError(
                "A build with BuildKit's own daemon needs a container registry to push the image "
                "to, or the option 'push' or 'outputs', as in outputs='type=oci,dest=app.tar': the "
                "daemon has no images that Docker could run.",
                key="container_registry",
            )
        given = self.config
        check_named(given.addresses or given.platform_addresses or given.builder)

    def _build(self, request: BuildRequest) -> BuildOutcome:
        """Build with the first daemon that answers, which pushes the image if that is asked.

        Platforms that have daemons of their own are built by those, all at once.
        """
        from imagebuilders.buildkit.native_platforms import choose_groups

        try:
            daemons = self._daemons()
        except BuildKitError as error:
            raise BuildError(f"{request.shown_name} was not built. {error}") from error
        groups = choose_groups(
            daemons,
            _platforms(request),
            request.options,
            is_pushed=bool(request.pushed),
            health_timeout=self.config.health_timeout,
        )
        if len(groups) == 1:
            digest = self._build_on(groups[0].daemons, request, _names(request), request.tell)
        else:
            digest = self._build_groups(groups, request)
        name, reference = request.image_name, request.reference
        if not request.pushed:
            return BuildOutcome(digest if name is None else name)
        if not digest:
            raise BuildError(f"{reference} was built, but the daemon told no digest of the push.")
        assert reference is not None  # what is pushed has a name
        repositories = [parse_build_target(name).repository for name in request.pushed]
        for repository in dict.fromkeys(repositories):
            request.tell(ImagePushed(f"{repository}@{digest}"))
        return BuildOutcome(f"{reference.repository}@{digest}")

    def _build_groups(self, groups: Sequence[PlatformGroup], request: BuildRequest) -> str:
        """Build for groups of platforms side by side; push one index of all; return its digest."""
        from imagebuilders.buildkit.platform_builds import (
            BuiltGroup,
            check_only_pushed,
            part_options,
            push_index,
            write_result,
        )
        from imagebuilders.side_by_side import Tell, run_side_by_side

        options = request.options
        check_only_pushed(options, is_pushed=bool(request.pushed))
        if request.explanation is not None:
            request.tell(Notice("What was not cached cannot be explained of several platforms."))
        references = [ImageReference.parse(name) for name in _names(request)]
        # What is pushed by its digest alone has no tag.
        repositories = tuple(dict.fromkeys(reference.repository for reference in references))

        def build(group: PlatformGroup, tell: Tell) -> BuiltGroup:
            part = replace(
                request, explanation=None, options=part_options(options, group.platforms)
            )
            digest = self._build_on(group.daemons, part, repositories, tell)
            return BuiltGroup(group.platforms, digest)

        built = run_side_by_side([partial(build, group) for group in groups], request.tell)
        try:
            digest = push_index(references, built, request.credentials())
        except RegistryError as error:
            raise PushError(
                f"{references[0]} was built, but the index of platforms was not pushed: {error}",
                image_name=str(references[0]),
                registry=references[0].domain,
                detail=str(error),
            ) from error
        write_result(options, digest, request.shown_name)
        return digest

    def _build_on(
        self,
        daemons: Sequence[Daemon],
        request: BuildRequest,
        names: tuple[str, ...],
        tell: Callable[[Event], None],
    ) -> str:
        """Build on the first of some daemons that answers; return the digest that it tells."""
        from imagebuilders.buildkit.build_folders import shared_key
        from imagebuilders.buildkit.fleet_build import build_with_fleet

        root = request.snapshot.root
        has_begun = False

        def make_job(daemon: OpenDaemon) -> BuildJob:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                _tell_begin(request, daemon, tell)
            job = request.job(
                names=names,
                proxies=request.proxies(*daemon.addresses),
                frontend=self.config.frontend,
                will_push=bool(request.pushed),
                daemon=daemon.name,
            )
            return replace(job, emit=tell)

        built = build_with_fleet(
            daemons,
            # Without a folder there is no context to tell from others, but the image's name.
            shared_key(root, {}) if root else request.repository,
            make_job,
            image_name=request.shown_name,
            tell=tell,
            platforms=_platforms(request),
            health_timeout=self.config.health_timeout,
            start_timeout=self.config.start_timeout,
        )
        return built.digest


def _platforms(request: BuildRequest) -> list[str]:
    return [text for text in map(str.strip, (request.options.platform or "").split(",")) if text]


def _names(request: BuildRequest) -> tuple[str, ...]:
    """Return the image's names: those that it is pushed under, else all."""
    if not request.pushed:
        return request.names
    return tuple(str(parse_build_target(name)) for name in request.pushed)


def _tell_begin(request: BuildRequest, daemon: OpenDaemon, tell: Callable[[Event], None]) -> None:
    """Tell that a build begins, and which of its names lead nowhere."""
    tell(BuildStarted(request.told_name, daemon.name))
    names = _names(request)
    for name in request.names:
        if name not in names:
            tell(
                Notice(
                    f"{name} is not pushed, and the daemon keeps no images of its own. The option "
                    "'push' pushes every name."
                )
            )


class BuildKitImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `buildkit`."""

    name = "buildkit"
    config_class = BuildKitImageBuilderConfig
    implementation_class = BuildKitImageBuilder
    logo_url = f"{DOCS_URL}/_static/buildkit.svg"
