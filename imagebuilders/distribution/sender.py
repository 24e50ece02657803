"""Requests that follow redirects, and are sent again when that may help."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit

from imagebuilders.distribution.failures import ERROR_BODY_BYTES, response_error
from imagebuilders.distribution.retries import TRANSIENT_STATUSES, RetryPolicy
from imagebuilders.distribution.transport import Request, Response, Transport
from imagebuilders.exceptions import RegistryConnectionError, RegistryContentError, RegistryError
from imagebuilders.proxies import is_loopback

_log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
_FOLLOWED_ALWAYS = frozenset({307, 308})
_FOLLOWED_BY_READING = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Exchange = Callable[[Request], Response]


class Sender:
    """Sends the requests of one registry's client.

    Args:
        registry: the registry's domain.
        transport: what they go through.
        retries: when they are sent again.
        plain_hosts: hosts, with their ports, that may be asked without TLS, beside this machine.
    """

    def __init__(
        self,
        registry: str,
        transport: Transport,
        retries: RetryPolicy,
        plain_hosts: Collection[str] = (),
    ) -> None:
        self.registry = registry
        self.retries = retries
        self._transport = transport
        self._plain_hosts = frozenset(plain_hosts)

    def send(
        self,
        request: Request,
        *,
        what: str,
        accept: Collection[int],
        exchange: Exchange | None = None,
        retry: bool = True,
    ) -> Response:
        """Send a request until it is answered as it should be.

        Args:
            request: the request.
            what: what is not done if it fails, as a sentence without its full stop.
            accept: the statuses that are returned; another is an error.
            exchange: sends it once; `follow` by default.
            retry: whether it may be sent again.

        Raises:
            RegistryResponseError: the response has another status.
            RegistryConnectionError: there was no response.
            RegistryContentError: a redirect cannot be followed.
        """
        exchange = exchange or self.follow
        attempt = 0
        while True:
            attempt += 1
            retry_after = ""
            try:
                response = exchange(request)
                if response.status in accept:
                    return response
                with response:
                    retry_after = response.header("Retry-After")
                    error: RegistryError = self._error(what, response)
                again = retry and response.status in TRANSIENT_STATUSES
            except RegistryConnectionError as lost:
                error, again = lost, retry and lost.is_transient
            wait = self.retries.wait_before(attempt, retry_after) if again else None
            if wait is None:
                raise error
            self.wait(wait, error)

    def wait(self, seconds: float, reason: Exception) -> None:
        """Wait before something is tried again, and say so in the log."""
        _log.info("Trying again in %.1f s: %s", seconds, reason)
        self.retries.sleep(seconds)

    def follow(self, request: Request) -> Response:
        """Send a request once, to where redirects lead.

        Credentials go to the host that they are for and to no other. TLS is not left.

        Raises:
            RegistryConnectionError: there was no response.
            RegistryContentError: a redirect cannot be followed.
        """
        is_reading = request.method in ("GET", "HEAD")
        followed = _FOLLOWED_BY_READING if is_reading else _FOLLOWED_ALWAYS
        for _ in range(MAX_REDIRECTS + 1):
            response = self._transport.send(request)
            location = response.header("Location")
            if response.status not in followed or not location:
                return response
            with response:
                url = self.resolve(request.url, location)
            headers = dict(request.headers)
            if origin(url) != origin(request.url):
                headers.pop("Authorization", None)
            request = replace(request, url=url, headers=headers)
        raise self._unusable(request.url, f"it redirects more than {MAX_REDIRECTS} times")

    def resolve(self, base: str, location: str) -> str:
        """Return the whole URL of a `Location`, which may be relative.

        Raises:
            RegistryContentError: it is not a URL that may be asked.
        """
        try:
            url = urljoin(base, location)
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self._unusable(base, "it names a malformed address") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
            raise self._unusable(base, "it names an address that is not of http or https")
        if parts.username is not None or not url.isascii() or not url.isprintable():
            raise self._unusable(base, "it names a malformed address")
        self.check_plain(parts)
        return url.partition("#")[0]

    def check_plain(self, parts: SplitResult) -> None:
        """See whether a URL has TLS, or needs none.

        Raises:
            RegistryContentError: it would be asked without TLS.
        """
        if parts.scheme == "http" and not (
            is_loopback(parts.hostname or "") or parts.netloc in self._plain_hosts
        ):
            raise RegistryContentError(
                f"{self.registry} leads to {parts.netloc} without TLS, which is not followed.",
                registry=self.registry,
            )

    def _error(self, what: str, response: Response) -> RegistryError:
        try:
            body = response.read_start(ERROR_BODY_BYTES)
        except RegistryConnectionError:
            body = b""
        return response_error(
            what,
            self.registry,
            response.status,
            body,
            url=response.request.url,
            retry_after=response.header("Retry-After"),
        )

    def _unusable(self, url: str, problem: str) -> RegistryContentError:
        return RegistryContentError(
            f"{url.partition('?')[0]} answered what cannot be followed: {problem}.",
            registry=self.registry,
        )


def origin(url: str) -> tuple[str, str, int | None]:
    """Return whom a URL belongs to: scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
