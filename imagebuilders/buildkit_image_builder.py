"""Builds with BuildKit's own daemon, on this machine or another, without a Docker Engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from imagebuilders.base_image_builder import BaseImageBuilderConfig, BaseImageBuilderFlavor
from imagebuilders.components.flavor import DOCS_URL, BuiltInFlavor
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.daemon_image_builder import (
    BuildOutcome,
    BuildRequest,
    DaemonImageBuilder,
    FrontendSetting,
)
from imagebuilders.events import BuildStarted, ImagePushed, Notice
from imagebuilders.exceptions import BuildError, BuildKitError, ConfigurationError
from imagebuilders.oci.reference import parse_build_target

if TYPE_CHECKING:
    from imagebuilders.auth.keychain import Keychain
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit.engine_client import OpenDaemon
    from imagebuilders.container_registries import BaseContainerRegistry


def _as_addresses(value: object) -> object:
    """Take one address, or several with commas between them, for a list."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


class BuildKitImageBuilderConfig(BaseImageBuilderConfig):
    """Settings of the BuildKit image builder."""

    # The type `str` is there for environment variables, which would have to be JSON otherwise.
    addresses: Annotated[str | tuple[str, ...], BeforeValidator(_as_addresses)] = ()
    """Where `buildkitd` listens: `unix:///path` or `tcp://host:port`; one or several, a list or
    with commas between them."""
    tls_ca: Path | None = None
    """The authority that the daemons' certificates are checked by; with any of these three files,
    `tcp://` is spoken to by TLS."""
    tls_certificate: Path | None = None
    """The client's own certificate, which daemons may demand."""
    tls_key: Path | None = None
    """The key of that certificate."""
    frontend: FrontendSetting = "dockerfile"
    """What reads the Dockerfile: what its `# syntax=` line says, which is an image that is pulled
    (`dockerfile`); BuildKit's own in spite of that line (`builtin`); or the name of an image."""

    @property
    def address_list(self) -> tuple[str, ...]:
        """The addresses, each by itself."""
        return (self.addresses,) if isinstance(self.addresses, str) else self.addresses

    @property
    def tls(self) -> TLSFiles | None:
        """The files for TLS; `None` when it is not to be spoken."""
        files = (self.tls_ca, self.tls_certificate, self.tls_key)
        return TLSFiles(*files) if any(files) else None


class BuildKitImageBuilder(DaemonImageBuilder[BuildKitImageBuilderConfig]):
    """Builds with BuildKit's own daemon, which pushes the image itself.

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

    @contextmanager
    def _open_daemons(self, keychain: Keychain) -> Iterator[Sequence[OpenDaemon]]:
        """Lend the daemons that answer."""
        from imagebuilders.buildkit.daemon import connect
        from imagebuilders.buildkit.daemon_features import DaemonFeatures
        from imagebuilders.buildkit.engine_client import OpenDaemon
        from imagebuilders.cancellation import stopped_by

        del keychain  # daemons ask for no login
        self._check_addresses()
        address = self.config.address_list[0]
        client = connect(address, tls=self.config.tls)
        with client, stopped_by(client.close):
            name = f"BuildKit {client.version()} at {address}"
            features = DaemonFeatures.of(f"The BuildKit at {address}", client.workers())
            yield (OpenDaemon(name, client, features, (address,)),)

    def _check_addresses(self) -> None:
        if not self.config.addresses:
            raise ConfigurationError(
                "No BuildKit daemon is named. Give BuildKitImageBuilder its address, as in "
                "addresses='tcp://buildkitd:1234'.",
                key="addresses",
            )

    def _check(
        self, options: DockerBuildOptions, container_registry: BaseContainerRegistry | None
    ) -> None:
        """See, without asking a daemon, whether the build can be done at all."""
        from imagebuilders.build_options.buildkit_attributes import check_buildkit, chosen_outputs

        check_buildkit(options)
        if container_registry is None and not chosen_outputs(options):
            raise ConfigurationError(
                "A build with BuildKit's own daemon needs a container registry to push the image "
                "to, or the option 'push' or 'outputs', as in outputs='type=oci,dest=app.tar': the "
                "daemon has no images that Docker could run.",
                key="container_registry",
            )
        self._check_addresses()

    def _build(self, request: BuildRequest) -> BuildOutcome:
        """Build with the daemon, which pushes the image if a registry is given."""
        from imagebuilders.buildkit.engine_build import build_with_buildkit

        reference = request.reference
        try:
            with self._open_daemons(request.keychain) as (daemon, *_):
                request.tell(BuildStarted(str(reference), daemon.name))
                job = request.job(
                    names=_names(request),
                    proxies=request.proxies(*daemon.addresses),
                    frontend=self.config.frontend,
                    will_push=bool(request.pushed),
                )
                digest = build_with_buildkit(daemon.client, job, daemon.features)
        except BuildKitError as error:
            raise BuildError(f"{reference} was not built. {error}") from error
        if not request.pushed:
            return BuildOutcome(request.image_name)
        if digest is None:
            raise BuildError(
                f"{reference} was built, but {daemon.name} did not tell the digest of "
                "what it pushed."
            )
        pushed = f"{reference.repository}@{digest}"
        request.tell(ImagePushed(pushed))
        return BuildOutcome(pushed)


def _names(request: BuildRequest) -> tuple[str, ...]:
    """Return the image's names: those that it is pushed under, else all."""
    if not request.pushed:
        return request.names
    pushed = tuple(str(parse_build_target(name)) for name in request.pushed)
    for name in request.names:
        if name not in pushed:
            request.tell(
                Notice(
                    f"{name} is not pushed, and the daemon keeps no images of its own. The option "
                    "'push' pushes every name."
                )
            )
    return pushed


class BuildKitImageBuilderFlavor(BuiltInFlavor, BaseImageBuilderFlavor):
    """The flavor `buildkit`."""

    name = "buildkit"
    config_class = BuildKitImageBuilderConfig
    implementation_class = BuildKitImageBuilder
    logo_url = f"{DOCS_URL}/_static/buildkit.svg"
