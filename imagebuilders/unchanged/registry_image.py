"""What registries say: the digests of bases, and the key that an image of a name has."""

from __future__ import annotations

import platform as system
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

from imagebuilders.distribution import RegistryClient
from imagebuilders.exceptions import (
    ImageBuilderError,
    ImageFormatError,
    ImageNameError,
    RegistryError,
    RegistryNotFoundError,
)
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES, ImageConfig
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference
from imagebuilders.unchanged.build_key import KeyUnknownError

if TYPE_CHECKING:
    from imagebuilders.distribution.credentials import CredentialSource
    from imagebuilders.distribution.repository import Repository

LABEL = "imagebuilders.build-key"
"""The label under which an image carries its key."""


class Registries:
    """Clients of the registries that a build comes to, each made once."""

    def __init__(self, credentials: CredentialSource) -> None:
        """Begin without a client.

        Args:
            credentials: knows who to be at which registry.
        """
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

    def resolve(self, name: str) -> str:
        """Return the digest of the image that a name stands for now.

        Raises:
            KeyUnknownError: the registry does not tell.
        """
        try:
            reference = ImageReference.parse(name)
            repository = self._repository(reference)
            return str(repository.resolve(reference.digest or reference.tag or DEFAULT_TAG).digest)
        except (ImageNameError, RegistryError) as error:
            raise KeyUnknownError(f"the base image {name} is not known: {error}") from error

    def unchanged(self, reference: ImageReference, key: str, platform: str | None) -> str | None:
        """Return the digest of what an image's name stands for, if it has the key.

        Args:
            reference: the image, with its tag.
            key: the key that it must have.
            platform: that of the image, or several with commas between them.

        Returns:
            The digest of the manifest or index; `None` if there is none, or it has another key.

        Raises:
            RegistryError: the registry cannot be asked.
        """
        repository = self._repository(reference)
        try:
            stored = repository.read_manifest(reference.tag or DEFAULT_TAG)
            found = stored.parse()
            image = _chosen(repository, found, platform) if isinstance(found, Index) else found
            if image is None or _key(repository, image) != key:
                return None
        except (RegistryNotFoundError, ImageFormatError):
            return None
        return str(stored.descriptor.digest)

    def _repository(self, reference: ImageReference) -> Repository:
        client = self._clients.get(reference.domain)
        if client is None:
            client = RegistryClient(reference.domain, credentials=self._credentials)
            self._open.callback(client.close)
            self._clients[reference.domain] = client
        return client.repository(reference.path)


def _chosen(repository: Repository, index: Index, platform: str | None) -> Manifest | None:
    """Return the manifest of one platform of an index."""
    wanted = (platform or f"linux/{system.machine()}").partition(",")[0]
    try:
        entry = index.choose(Platform.parse(wanted))
    except ImageBuilderError:
        return None
    if entry is None:
        return None
    found = repository.read_manifest(entry.digest).parse()
    return found if isinstance(found, Manifest) else None


def _key(repository: Repository, manifest: Manifest) -> str | None:
    """Return the key that an image carries."""
    config = manifest.config
    content = repository.read_blob(config.digest, size=config.size, max_bytes=MAX_CONFIG_BYTES)
    return ImageConfig.parse(content).config.labels.get(LABEL)
