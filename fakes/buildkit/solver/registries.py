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
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.reference import DEFAULT_TAG
from imagebuilders.proxies import is_loopback

from ...images.image import Image
from ...images.layers import Layer

if TYPE_CHECKING:
    from imagebuilders.oci.platform import Platform
    from imagebuilders.oci.reference import ImageReference

    from ..session_peer import SessionPeer
    from .worker import Worker

LAYOUT = "oci-layout://"
"""What references begin with that name an image of a layout."""

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

    def session(self) -> SessionPeer:
        """Return the client's session."""
        return self._find_session()

    def credentials_for(self, registry: str) -> _Credentials | None:
        """Return the credentials for a registry; `None` when the client has none."""
        try:
            username, secret = self._find_session().credentials(registry)
        except TransportError:  # a client without this service is nobody
            return None
        if not secret:
            return None
        return _Credentials(username, secret) if username else _Credentials(identity_token=secret)


class _CredentialsFor:
    """Who to be at the registry of a host, wherever that is."""

    def __init__(self, domain: str, credentials: SessionCredentials) -> None:
        self._domain = domain
        self._credentials = credentials

    def credentials_for(self, _registry: str) -> _Credentials | None:
        """Return the credentials for the host."""
        return self._credentials.credentials_for(self._domain)


class Registries:
    """The registries that one build uses; a context manager.

    Args:
        credentials: knows who to be.
        worker: knows where registries are.
        is_engine: the daemon is inside of an engine, which asks registries of its machine by TLS
            first.
    """

    def __init__(
        self, credentials: SessionCredentials, worker: Worker, *, is_engine: bool = False
    ) -> None:
        self._credentials = credentials
        self._worker = worker
        self._is_engine = is_engine
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

    def from_layout(self, reference: str, platform: Platform) -> tuple[Image, str]:
        """Return an image of a layout of the client, and the digest that it was asked by.

        Raises:
            ImageBuilderError: there is no such image, or none for the platform.
            CallError: the client has no such layout.
        """
        return layout_image(self._credentials.session(), reference, platform)

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
        """Return the repository of a name.

        Raises:
            ImageBuilderError: its registry is out of reach.
        """
        return self._client(name.domain).repository(name.path)

    def manifest_url(self, name: ImageReference) -> str:
        """Return the URL of a manifest, as daemons tell it where it is not to be had."""
        return f"{self._base(name)}/manifests/{name.digest or name.tag or DEFAULT_TAG}"

    def blob_url(self, name: ImageReference, digest: str) -> str:
        """Return the URL of a blob, as daemons tell it where they may not push."""
        return f"{self._base(name)}/blobs/{digest}"

    def _base(self, name: ImageReference) -> str:
        is_plain = not self._is_engine and is_loopback(name.domain.rpartition(":")[0])
        return f"{'http' if is_plain else 'https'}://{name.domain}/v2/{name.path}"

    def _client(self, domain: str) -> RegistryClient:
        if domain not in self._clients:
            credentials = _CredentialsFor(domain, self._credentials)
            client = RegistryClient(self._worker.address(domain), credentials=credentials)
            self._clients[domain] = self._open.enter_context(client)
        return self._clients[domain]


def _image(repository: Repository, manifest: Manifest) -> Image:
    config = manifest.config
    document = repository.read_blob(config.digest, size=config.size, max_bytes=MAX_CONFIG_BYTES)
    layers = [
        repository.read_blob(layer.digest, size=layer.size, max_bytes=_MAX_LAYER_BYTES)
        for layer in manifest.layers
    ]
    return Image(document, tuple(map(Layer.of_blob, layers)))


def layout_image(session: SessionPeer, reference: str, platform: Platform) -> tuple[Image, str]:
    """Return an image of a layout that the client serves, and the digest that it was asked by.

    Args:
        session: the client.
        reference: `oci-layout://STORE@DIGEST`.
        platform: what it is for.

    Raises:
        ImageBuilderError: there is no such image, or none for the platform.
        CallError: the client has no such layout.
    """
    name, at, wanted = reference.removeprefix(LAYOUT).partition("@")
    if not at:
        raise ImageBuilderError(f"oci-layout reference {name!r} must have digest")
    store = f"oci:{name.rpartition(':')[0] or name}"
    found = parse_manifest(session.read_content(store, wanted))
    if isinstance(found, Index):
        entry = found.choose(platform)
        if entry is None:
            raise ImageBuilderError("no match for platform in manifest: not found")
        found = parse_manifest(session.read_content(store, str(entry.digest)))
    if not isinstance(found, Manifest):
        raise ImageBuilderError(f"{reference}: not found")
    document = session.read_content(store, str(found.config.digest))
    layers = [session.read_content(store, str(layer.digest)) for layer in found.layers]
    return Image(document, tuple(map(Layer.of_blob, layers))), wanted
