"""Registries, asked with the credentials of the client's session."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import TransportError
from imagebuilders.distribution import RegistryClient, Repository
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.reference import DEFAULT_TAG

from ...images import tar
from ...images.image import Image
from ...images.layers import Layer

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform
    from imagebuilders.oci.reference import ImageReference

    from ..session_peer import SessionPeer

_MAX_LAYER_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class _Credentials:
    """What a client said of one registry."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = ""


class SessionCredentials:
    """Asks the client of a build who to be at which registry.

    Args:
        find_session: returns the client's session.
    """

    def __init__(self, find_session: Callable[[], SessionPeer]) -> None:
        self._find_session = find_session

    def credentials_for(self, registry: str) -> _Credentials | None:
        """Return the credentials for a registry; `None` when the client has none."""
        try:
            username, secret = self._find_session().credentials(registry)
        except TransportError:  # a client without this service is nobody
            return None
        if not secret:
            return None
        return _Credentials(username, secret) if username else _Credentials(identity_token=secret)


class Registries:
    """The registries that one build uses; a context manager.

    Args:
        credentials: knows who to be.
    """

    def __init__(self, credentials: SessionCredentials) -> None:
        self._credentials = credentials
        self._clients: dict[str, RegistryClient] = {}
        self._open = ExitStack()

    def __enter__(self) -> Registries:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def pull(self, name: ImageReference, platform: Platform) -> tuple[Image, str]:
        """Return an image, and the digest that its name leads to.

        Raises:
            RegistryError: the registry cannot be asked.
            ImageBuilderError: there is no such image, or none for the platform.
        """
        repository = self.repository(name)
        stored = repository.read_manifest(name.digest or name.tag or DEFAULT_TAG)
        found = stored.parse()
        if isinstance(found, Index):
            entry = found.choose(platform)
            if entry is None:
                raise ImageBuilderError("no match for platform in manifest: not found")
            found = repository.read_manifest(entry.digest).parse()
        if not isinstance(found, Manifest):
            raise ImageBuilderError(f"{name}: not found")
        return _image(repository, found), str(stored.descriptor.digest)

    def repository(self, name: ImageReference) -> Repository:
        """Return the repository of a name."""
        return self._client(name.domain).repository(name.path)

    def _client(self, domain: str) -> RegistryClient:
        if domain not in self._clients:
            client = RegistryClient(domain, credentials=self._credentials)
            self._clients[domain] = self._open.enter_context(client)
        return self._clients[domain]


def _image(repository: Repository, manifest: Manifest) -> Image:
    config = manifest.config
    document = repository.read_blob(config.digest, size=config.size, max_bytes=MAX_CONFIG_BYTES)
    layers = [
        repository.read_blob(layer.digest, size=layer.size, max_bytes=_MAX_LAYER_BYTES)
        for layer in manifest.layers
    ]
    return Image(document, tuple(Layer(tar.plain(content)) for content in layers))
