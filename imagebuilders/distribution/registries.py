"""Clients of the registries that a build comes to, and the images that are read by them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from imagebuilders.distribution.client import RegistryClient
from imagebuilders.distribution.credentials import CredentialSource
from imagebuilders.distribution.repository import Repository
from imagebuilders.distribution.tls import TLSFiles
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference


class Registries:
    """Clients of registries, each made once; may be used by several threads.

    Use it in a `with` statement. A registry's own certificates are taken from
    `/etc/docker/certs.d`, as a Docker Engine does.
    """

    def __init__(
        self, credentials: CredentialSource | None = None, *, authority: Path | None = None
    ) -> None:
        """Begin without a client.

        Args:
            credentials: knows who to be at which registry; `None` to be nobody.
            authority: a file of certificates that are trusted beside the system's.
        """
        self._credentials = credentials
        self._authority = authority
        self._clients: dict[str, RegistryClient] = {}
        self._lock = threading.Lock()
        self._open = ExitStack()

    def __enter__(self) -> Registries:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._open.close()

    def repository(self, reference: ImageReference) -> Repository:
        """Return the repository of an image.

        Raises:
            ConfigurationError: the registry's certificates cannot be read.
        """
        domain = reference.domain
        with self._lock:
            client = self._clients.get(domain)
            if client is None:
                client = RegistryClient(
                    domain, credentials=self._credentials, tls=self._tls(domain)
                )
                self._open.callback(client.close)
                self._clients[domain] = client
        return client.repository(reference.path)

    def _tls(self, domain: str) -> TLSFiles:
        files = TLSFiles.find(domain)
        if self._authority is None:
            return files
        return replace(files, authorities=(*files.authorities, self._authority))


def choose_image(
    repository: Repository, found: Manifest | Index, platform: Platform
) -> Manifest | None:
    """Return the manifest of one platform; `None` when an index has none for it.

    Args:
        repository: where the manifest or index was found.
        found: a manifest, which is for whatever platform, or an index.
        platform: what the image is to run on.

    Raises:
        ImageFormatError: the manifest is malformed, or another index.
        RegistryError: the registry cannot be asked.
    """
    if isinstance(found, Manifest):
        return found
    entry = found.choose(platform)
    if entry is None:
        return None
    chosen = repository.read_manifest(entry.digest).parse()
    if not isinstance(chosen, Manifest):
        raise ImageFormatError("An index inside of an index is not read.")
    return chosen


def read_config(repository: Repository, manifest: Manifest) -> bytes:
    """Return the configuration of an image, byte for byte.

    Raises:
        RegistryError: the registry cannot be asked, or has something else.
    """
    config = manifest.config
    return repository.read_blob(config.digest, size=config.size, max_bytes=MAX_CONFIG_BYTES)
