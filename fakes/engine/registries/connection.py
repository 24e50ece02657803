"""An engine's connections to a registry: TLS, credentials, and what it says of no answer.

They are those of `imagebuilders.distribution`, as redirects, challenges and requests for tokens
are. What an engine has of its own: it learns how credentials are given from the registry's first
answer and never again, tries nothing again, and takes any certificate on this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

from imagebuilders.distribution.authorization import basic_header, token_request
from imagebuilders.distribution.challenge import Challenge, parse_challenges
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.distribution.sender import Sender
from imagebuilders.distribution.session import DOCKER_HUB_HOST
from imagebuilders.distribution.transport import Request, Response, Transport
from imagebuilders.exceptions import (
    ConnectionFailure,
    RegistryConnectionError,
    RegistryContentError,
)
from imagebuilders.oci.reference import DEFAULT_DOMAIN
from imagebuilders.proxies import is_loopback

from .credentials import Credentials
from .errors import RegistryError, refusal
from .tls import certificate_of, context_for

_TIMEOUT = 30
_LONGEST_ANSWER = 64 * 1024 * 1024
_TOO_LATE = (
    "net/http: request canceled while waiting for connection "
    "(Client.Timeout exceeded while awaiting headers)"
)
_NO_CREDENTIALS = "no basic auth credentials"


class Answer(NamedTuple):
    """What a registry answered, its body read."""

    response: Response
    body: bytes

    @property
    def status(self) -> int:
        """The status."""
        return self.response.status

    @property
    def url(self) -> str:
        """Whose answer it is, redirects followed."""
        return self.response.request.url

    @property
    def is_error(self) -> bool:
        """Whether the registry refused, or failed."""
        return self.status >= HTTPStatus.BAD_REQUEST

    def refusal(self) -> RegistryError:
        """What the engine makes of it, where it expected something else."""
        return refusal(self.response, self.body)


class RegistryConnection:
    """Sends an engine's requests to one registry.

    Args:
        domain: of the registry.
        credentials: what the client sent along for it.
        scopes: the rights that tokens are asked for.
    """

    def __init__(
        self, domain: str, credentials: Credentials, scopes: frozenset[str] = frozenset()
    ) -> None:
        self._domain = DOCKER_HUB_HOST if domain == DEFAULT_DOMAIN else domain
        self._credentials = credentials
        self._scopes = scopes
        self._challenge: Challenge | None = None
        self._token = ""
        self._certificate: str | None = None
        self._is_insecure = is_loopback(self._domain.rsplit(":", 1)[0])
        self.base = f"{'http' if self._is_insecure else 'https'}://{self._domain}"
        self._transport = Transport(
            lambda: context_for(self._certificate),
            connect_timeout=_TIMEOUT,
            idle_timeout=_TIMEOUT,
            environ={},
            check_names=not self._is_insecure,
        )
        self._sender = Sender(self._domain, self._transport, RetryPolicy(attempts=1))

    def __enter__(self) -> RegistryConnection:
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
        self._transport.close()

    def ping(self) -> None:
        """See how the registry wants credentials; whatever else it answers does not matter.

        Raises:
            RegistryError: it does not answer.
        """
        # What is on this machine may be without TLS, and any certificate will do.
        if self._is_insecure and (certificate := certificate_of(self._domain)):
            self.base, self._certificate = f"https://{self._domain}", certificate
        answer = self._read(Request("GET", f"{self.base}/v2/"))
        if answer.status == HTTPStatus.UNAUTHORIZED:
            known = parse_challenges(answer.response.headers("WWW-Authenticate"))
            wanted = (each for each in known if each.scheme in ("basic", "bearer"))
            self._challenge = next(wanted, None)

    def log_in(self) -> int:
        """See whether the registry takes the credentials; the status of its answer.

        Raises:
            RegistryError: it does not answer, or gives no token.
        """
        self.ping()
        return self.ask("GET", f"{self.base}/v2/").status

    def _send(self, request: Request) -> Response:
        named = f'{request.method.capitalize()} "{request.url}"'
        headers = {"User-Agent": "docker", **request.headers}
        try:
            return self._sender.follow(replace(request, headers=headers))
        except RegistryConnectionError as error:
            reason = _reason(error, request.url)
            is_told = reason != _TOO_LATE
            raise RegistryError(f"{named}: {reason}", inner=reason if is_told else None) from error
        except (RegistryContentError, ValueError) as error:
            raise RegistryError(f"{named}: {error}") from error

    def _read(self, request: Request) -> Answer:
        with self._send(request) as response, told_of_bodies():
            return Answer(response, response.read(_LONGEST_ANSWER))

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request with credentials, and read the answer.

        Raises:
            RegistryError: there is no whole answer, or there are no credentials.
        """
        return self._read(self._authorized(Request(method, url, headers or {}, body)))

    def _authorized(self, request: Request) -> Request:
        """The request with the credentials that the registry wants.

        Raises:
            RegistryError: there are none, or no token is to be had.
        """
        try:
            authorization = self._authorization()
        except RegistryError as error:
            raise error.during(f'{request.method.capitalize()} "{request.url}"') from error
        fields = {"Authorization": authorization} if authorization else {}
        return replace(request, headers={**request.headers, **fields})

    def _authorization(self) -> str:
        given, asked = self._credentials, self._challenge
        if given.registry_token:
            return f"Bearer {given.registry_token}"
        if asked is None:
            return ""
        if asked.scheme == "basic":
            if not given.is_user:
                raise RegistryError(_NO_CREDENTIALS, final=True)
            return basic_header(given)
        self._token = self._token or self._new_token(asked)
        return f"Bearer {self._token}"

    def _new_token(self, challenge: Challenge) -> str:
        realm = self.resolve(self.base, challenge.parameters.get("realm", ""))
        if not realm:
            raise RegistryError("no realm specified for token auth challenge")
        service = challenge.parameters.get("service", "")
        user = self._credentials if self._credentials.is_user else None
        answer = self._token_answer(realm, service, user)
        if answer.status != HTTPStatus.OK:
            raise self._token_refusal(answer)
        try:
            document = json.loads(answer.body)
            return str(document.get("token") or document["access_token"])
        except (ValueError, AttributeError, KeyError) as error:
            raise RegistryError(
                "authorization server did not include a token in the response"
            ) from error

    def _token_answer(self, realm: str, service: str, user: Credentials | None) -> Answer:
        return self._read(token_request(realm, service, self._scopes, user))

    def _token_refusal(self, answer: Answer) -> RegistryError:
        return answer.refusal()

    def pieces(self, url: str, headers: Mapping[str, str]) -> Iterator[bytes]:
        """Read a blob piece by piece; what came before a connection breaks is returned first.

        Raises:
            RegistryError: it is not there, or breaks off.
        """
        with self._send(self._authorized(Request("GET", url, headers))) as response:
            if response.status == HTTPStatus.NOT_FOUND:
                raise RegistryError("unknown blob", final=True)
            with told_of_bodies():
                if response.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                    raise refusal(response, response.read(_LONGEST_ANSWER))
                yield from response.pieces()

    def resolve(self, base: str, place: str) -> str:
        """The whole URL of a place that the answer of a URL tells; empty when it tells none.

        Raises:
            RegistryError: it cannot be asked.
        """
        try:
            return self._sender.resolve(base, place) if place else ""
        except RegistryContentError as error:
            raise RegistryError(str(error)) from error


@contextmanager
def told_of_bodies() -> Iterator[None]:
    """Let a body that breaks off, or is none, be told in the engine's words.

    Raises:
        RegistryError: in these.
    """
    try:
        yield
    except RegistryConnectionError as error:
        raise RegistryError("unexpected EOF") from error
    except RegistryContentError as error:
        raise RegistryError(str(error)) from error


def _reason(error: RegistryConnectionError, url: str) -> str:
    """Why there was no answer, as Go's library says it."""
    parts = urlsplit(url)
    # As it is written: `hostname` would make it lower case.
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if error.failure is ConnectionFailure.REFUSED:
        address = "127.0.0.1" if host == "localhost" else host
        return f"dial tcp {address}:{port}: connect: connection refused"
    if error.failure is ConnectionFailure.NAME:
        return f"dial tcp: lookup {host}: no such host"
    return _TOO_LATE if error.failure is ConnectionFailure.TIMEOUT else "EOF"
