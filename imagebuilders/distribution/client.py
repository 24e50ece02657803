"""A registry over HTTP: the client's side of the OCI distribution specification.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType

from imagebuilders.distribution.credentials import CredentialSource
from imagebuilders.distribution.paging import read_pages
from imagebuilders.distribution.repository import Repository
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.tls import TLSFiles
from imagebuilders.distribution.transport import CONNECT_TIMEOUT, IDLE_TIMEOUT, Transport
from imagebuilders.exceptions import ImageNameError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.reference import MAX_NAME_CHARS, is_domain, is_repository_path

_CATALOG = frozenset({"registry:catalog:*"})


@dataclass(frozen=True)
class Timeouts:
    """How long a registry is waited for.

    Attributes:
        connect: seconds for a connection to be made.
        idle: seconds in which nothing comes.
    """

    connect: float = CONNECT_TIMEOUT
    idle: float = IDLE_TIMEOUT


class RegistryClient:
    """A client of one registry; may be used by several threads.

    Use it in a `with` statement, or close it:

        with RegistryClient("ghcr.io") as registry:
            image = registry.repository("team/app").resolve("1.0")

    Args:
        registry: the registry's domain, with its port, as in an image's name.
        credentials: answers who to be there; asked once, and not before the registry asks.
            `None` to be nobody.
        plain_http: whether to do without TLS. By default a registry on this machine is asked which
            of the two it speaks, and any other has TLS.
        tls: further authorities, and certificates to show.
        retries: when requests are sent again.
        timeouts: how long the registry is waited for.
        environ: the environment, for proxies.

    Raises:
        ImageNameError: `registry` is not a domain.
    """

    def __init__(
        self,
        registry: str,
        *,
        credentials: CredentialSource | None = None,
        plain_http: bool | None = None,
        tls: TLSFiles | None = None,
        retries: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        if not isinstance(registry, str) or not is_domain(registry):
            raise ImageNameError(
                f"{registry!a} is not a registry's address: a host name with an optional "
                "port, as in registry.example:5000.",
                image_name=str(registry),
            )
        limits = timeouts or Timeouts()
        self._transport = Transport(
            (tls or TLSFiles()).client_context,
            connect_timeout=limits.connect,
            idle_timeout=limits.idle,
            environ=environ,
        )
        self._session = RegistrySession(
            registry,
            self._transport,
            credentials=credentials,
            plain_http=plain_http,
            retries=retries or RetryPolicy(),
        )

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RegistryClient({self.registry!r})"

    @property
    def registry(self) -> str:
        """The registry's domain, with its port."""
        return self._session.registry

    def close(self) -> None:
        """End all connections."""
        self._transport.close()

    def ping(self) -> None:
        """See whether the registry is there and takes the credentials.

        Raises:
            RegistryAccessError: it wants other credentials.
            RegistryError: it is not there, or is not a registry.
        """
        what = f"{self.registry} was not reached"
        with self._session.request("GET", "/v2/", what=what, accept={200}):
            pass

    def repository(self, path: str) -> Repository:
        """Return a repository of the registry; it need not exist yet.

        Args:
            path: its name without the registry, complete: `team/app`, `library/ubuntu`.

        Raises:
            ImageNameError: it is malformed.
        """
        if not isinstance(path, str) or not is_repository_path(path) or len(path) > MAX_NAME_CHARS:
            raise ImageNameError(
                f"{path!a} is not a repository: lower case letters and digits, with '.', '_', "
                f"'__', '-' or '/' between them, at most {MAX_NAME_CHARS}.",
                image_name=str(path),
            )
        return Repository(self._session, path)

    def repositories(self) -> Iterator[str]:
        """Return the names of all repositories, as far as the registry tells them.

        That is outside the specification, and many registries refuse it.

        Raises:
            RegistryError: the registry refuses or cannot be asked, or its answer cannot be used.
        """
        fetch = partial(
            self._session.request,
            "GET",
            scopes=_CATALOG,
            what=f"The repositories of {self.registry} were not listed",
            accept={200},
        )
        return read_pages(fetch, "/v2/_catalog", "repositories", self._session.resolve)
