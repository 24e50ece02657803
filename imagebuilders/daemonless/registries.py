"""Clients of the registries that a build comes to, each made once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from imagebuilders.distribution import CredentialSource, RegistryClient, Repository, TLSFiles
from imagebuilders.oci.reference import ImageReference


class Registries:
    """Clients of registries; may be used by several threads. Use as a context manager.

    A registry's own certificates are taken from `/etc/docker/certs.d`, as a Docker Engine does.
    """

    def __init__(self, credentials: CredentialSource, *, authority: Path | None = None) -> None:
        """Begin without a client.

        Args:
            credentials: knows who to be at which registry.
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
