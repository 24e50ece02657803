"""What tests of the registry client put in the place of clocks and of sources of credentials."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from imagebuilders.distribution import RegistryClient, Repository, RetryPolicy
from imagebuilders.distribution.failures import connection_error
from imagebuilders.distribution.session import RegistrySession
from imagebuilders.distribution.transport import FileBody, Request, Response, Transport


@dataclass
class Waits:
    """Notes waits instead of waiting."""

    seconds: list[float] = field(default_factory=list)
    now: float = 1_000_000.0

    def policy(self, **options: Any) -> RetryPolicy:
        """A policy without chance."""
        return RetryPolicy(sleep=self.sleep, clock=self.clock, chance=lambda: 0.0, **options)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.seconds.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        """The time."""
        return self.now


@dataclass(frozen=True)
class Login:
    """Credentials as a source of them gives them."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


class Logins:
    """A source of credentials that notes whom it was asked for."""

    def __init__(self, login: Login | None) -> None:
        self.login = login
        self.asked: list[str] = []

    def credentials_for(self, registry: str) -> Login | None:
        """The credentials, whatever the registry."""
        self.asked.append(registry)
        return self.login


ClientFactory = Callable[..., RegistryClient]


@dataclass
class Reply:
    """What a scripted registry answers.

    Attributes:
        status: the status.
        headers: header fields.
        body: the body.
        length: the `Content-Length`; as the body has it by default.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None


@dataclass(frozen=True)
class Sent:
    """A request that was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


Script = Callable[[Sent], Reply | Exception]


class ScriptedTransport(Transport):
    """Answers requests as registries do that no double plays: hostile, odd, or many at once."""

    def __init__(self, script: Script) -> None:
        super().__init__(ssl.create_default_context, environ={})
        self._script = script
        self.sent: list[Sent] = []

    def send(self, request: Request) -> Response:
        """Note the request and answer it."""
        body = request.body
        content = b"".join(body) if isinstance(body, FileBody) else bytes(body or b"")
        sent = Sent(request.method, request.url, dict(request.headers), content)
        self.sent.append(sent)
        reply = self._script(sent)
        if isinstance(reply, Exception):
            raise connection_error(reply, request.shown_url)
        length = len(reply.body) if reply.length is None else reply.length
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(b"" if request.method == "HEAD" else reply.body),
            headers=urllib3.HTTPHeaderDict({"Content-Length": str(length), **reply.headers}),
            status=reply.status,
            preload_content=False,
            request_method=request.method,
            enforce_content_length=True,
        )
        return Response(raw, request)


def scripted_repository(
    transport: ScriptedTransport,
    *,
    registry: str = "registry.example",
    login: Login | None = None,
    plain_http: bool = False,
    waits: Waits | None = None,
) -> Repository:
    """Return the repository `team/app` of a scripted registry."""
    session = RegistrySession(
        registry,
        transport,
        credentials=Logins(login),
        plain_http=plain_http,
        retries=(waits or Waits()).policy(),
    )
    return Repository(session, "team/app")
