"""Requests to one registry, each with what the registry wants to be shown."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

from imagebuilders.distribution.authorization import Authorizer
from imagebuilders.distribution.challenge import parse_challenges
from imagebuilders.distribution.credentials import CredentialSource
from imagebuilders.distribution.failures import speaks_tls
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.distribution.sender import Sender, origin
from imagebuilders.distribution.transport import Body, Request, Response, Transport
from imagebuilders.exceptions import RegistryConnectionError
from imagebuilders.oci.reference import DEFAULT_DOMAIN
from imagebuilders.proxies import is_loopback

DOCKER_HUB_HOST = "registry-1.docker.io"
"""Where the registry `docker.io` is."""

_USER_AGENT = "imagebuilders"
_MAX_RENEWALS = 3


class RegistrySession:
    """Sends the requests of one registry's client; may be used by several threads.

    Args:
        registry: the registry's domain, with its port.
        transport: what requests go through.
        credentials: answers who to be there; `None` to be nobody.
        plain_http: whether to do without TLS; `None` to ask a registry on this machine.
        retries: when requests are sent again.
    """

    def __init__(
        self,
        registry: str,
        transport: Transport,
        *,
        credentials: CredentialSource | None,
        plain_http: bool | None,
        retries: RetryPolicy,
    ) -> None:
        self.registry = registry
        self.retries = retries
        self._host = DOCKER_HUB_HOST if registry == DEFAULT_DOMAIN else registry
        self._transport = transport
        self._sender = Sender(
            registry, transport, retries, plain_hosts={self._host} if plain_http else ()
        )
        self._authorizer = Authorizer(registry, self._sender, credentials)
        if plain_http is None and is_loopback(urlsplit(f"//{self._host}").hostname or ""):
            self._base = ""
        else:
            self._base = f"{'http' if plain_http else 'https'}://{self._host}"
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        target: str,
        *,
        what: str,
        accept: Collection[int],
        scopes: frozenset[str] = frozenset(),
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        retry: bool = True,
    ) -> Response:
        """Send a request, and again when that may help.

        Args:
            method: as in `GET`.
            target: the path, or a whole URL that the registry gave.
            what: what is not done if it fails, as a sentence without its full stop.
            accept: the statuses that are returned; another is an error.
            scopes: the rights that it needs, as in `repository:team/app:pull`.
            headers: header fields.
            body: what is sent.
            retry: whether it may be sent again.

        Raises:
            RegistryError: the registry refuses or cannot be asked, or its answer cannot be used.
        """
        url = target if "://" in target else self.base() + target
        fields = {"User-Agent": _USER_AGENT, **(headers or {})}
        return self._sender.send(
            Request(method, url, fields, body),
            what=what,
            accept=accept,
            exchange=partial(self._exchange, scopes=scopes),
            retry=retry,
        )

    def resolve(self, base: str, location: str) -> str:
        """Return the whole URL of a `Location` or a link.

        Raises:
            RegistryContentError: it is not a URL that may be asked.
        """
        return self._sender.resolve(base, location)

    def wait(self, seconds: float, reason: Exception) -> None:
        """Wait before something is tried again, and say so in the log."""
        self._sender.wait(seconds, reason)

    def base(self) -> str:
        """Return the registry's URL; a registry on this machine is asked whether it has TLS.

        Raises:
            RegistryConnectionError: it cannot be asked.
        """
        with self._lock:
            if not self._base:
                self._base = self._probe()
            return self._base

    def _probe(self) -> str:
        """Ask in the clear, without credentials.

        A server that has TLS ends the connection, or answers that it got what is not TLS.
        """
        plain, secure = f"http://{self._host}", f"https://{self._host}"
        try:
            with self._transport.send(Request("GET", f"{plain}/v2/")) as response:
                if response.status != 400:
                    return plain
        except RegistryConnectionError as error:
            if not error.is_transient:
                raise
        try:
            self._transport.send(Request("GET", f"{secure}/v2/")).close()
        except RegistryConnectionError as error:
            return secure if speaks_tls(error) else plain
        return secure

    def _exchange(self, request: Request, *, scopes: frozenset[str]) -> Response:
        """Send a request once; what it lacks is got as often as the registry asks for more."""
        renewals = 0
        while True:
            is_ours = origin(request.url) == origin(self.base())
            authorization = self._authorizer.header(scopes) if is_ours else ""
            fields = dict(request.headers)
            if authorization:
                fields["Authorization"] = authorization
            response = self._sender.follow(replace(request, headers=fields))
            # A host that a redirect or an upload led to does not learn who we are.
            is_asked = response.status == 401 and origin(response.request.url) == origin(
                self.base()
            )
            if not is_asked or renewals == _MAX_RENEWALS:
                return response
            if not self._renew(response, scopes, authorization, is_new=renewals > 0):
                return response
            renewals += 1

    def _renew(
        self, response: Response, scopes: frozenset[str], refused: str, *, is_new: bool
    ) -> bool:
        """Get what a response asks for, and close it then."""
        is_kept = False
        try:
            is_renewed = self._authorizer.renew(
                parse_challenges(response.headers("WWW-Authenticate")),
                scopes,
                refused,
                is_new=is_new,
                base=self.base(),
            )
            is_kept = not is_renewed
        finally:
            if not is_kept:
                response.close()
        return is_renewed
