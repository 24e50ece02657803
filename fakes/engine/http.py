"""The engine's requests and answers, over the HTTP/1.1 that all doubles speak."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import unquote, urlsplit

from .. import go_text
from ..http import messages
from ..http.crashes import Crashes
from ..http.streams import wait_until_read
from .errors import FakeDockerEngineCrashError

# Longer answers are sent in chunks, as the engine's HTTP server does that fills a buffer first.
_BUFFER = 2048
_VERSIONED = re.compile(r"/v([0-9.]+)(/.*)", re.DOTALL)
_CHUNK = 64 * 1024


@dataclass
class Request(messages.Request):
    """A request of the API: one as all doubles have it, the version taken off its path.

    Attributes:
        route: the pattern that matched, set by the router.
        faults: the kinds of the faults that happen to it, set by the router.
    """

    route: str = ""
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: messages.Request) -> Request:
        """The same request, as the API reads it."""
        if isinstance(plain, cls):
            return plain
        return cls(
            *(plain.method.upper(), plain.target, plain.headers, plain.body, plain.scheme),
            is_abandoned=plain.is_abandoned,
        )

    @cached_property
    def _place(self) -> tuple[str | None, str]:
        path = unquote(urlsplit(self.target).path)
        match = _VERSIONED.fullmatch(path)
        return (match[1], match[2]) if match else (None, path)

    @property
    def path(self) -> str:
        """The decoded path, without the version prefix."""
        return self._place[1]

    @property
    def version(self) -> str | None:
        """The API version asked for, or `None`."""
        return self._place[0]

    def flag(self, name: str) -> bool:
        """A query parameter as the engine reads booleans."""
        return self.parameter(name).strip().lower() not in ("", "0", "no", "false", "none")


@dataclass
class Response:
    """One answer.

    Attributes:
        status: the HTTP status.
        body: bytes, or an iterable that is sent in chunks as it comes.
        headers: in addition to the engine's own.
        omitted: the engine's own headers that it goes without.
        hijack: takes over the connection after the headers, with what the client sent ahead;
            the headers of status 101 stand alone.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    hijack: Callable[[socket.socket, bytes], None] | None = None
    omitted: Collection[str] = ()


def json_response(value: object, status: int = 200) -> Response:
    """A JSON document, as the engine ends it: with a newline."""
    body = (go_text.dumps(value) + "\n").encode("utf-8", "surrogateescape")
    return Response(status, body, {"Content-Type": "application/json"})


def error_response(status: int, message: str) -> Response:
    """An error in the engine's form."""
    return json_response({"message": message}, status)


Handler = Callable[[Request], Response]


def answering(
    handle: Handler, own_headers: Callable[[], Mapping[str, str]], crashes: Crashes
) -> Callable[[messages.Request], messages.Response]:
    """Return what answers plain requests, as a connection carries them, as an engine does.

    Args:
        handle: answers a request of the API.
        own_headers: the headers on every answer.
        crashes: keeps the defects of the double; a client gets status 500 for one.
    """

    def answer(plain: messages.Request) -> messages.Response:
        try:
            request = read_request(plain)
        except messages.BadRequestError as error:
            refusal = error_response(500, str(error))
            refusal.headers["Connection"] = "close"
            return _plain_response(refusal, own_headers())
        try:
            response = handle(request)
        except FakeDockerEngineCrashError as crash:
            response = error_response(500, str(crash))
        plain_response = _plain_response(response, own_headers())
        if plain_response.stream is not None:
            where = f"{request.method} {request.path}"
            plain_response.stream = crashes.watched(where, plain_response.stream)
        if response.hijack is not None:
            _hand_over(request, response, plain_response, own_headers())
        return plain_response

    return answer


def read_request(plain: messages.Request) -> Request:
    """Return a request of the API, its whole body read.

    Raises:
        BadRequestError: its body comes in chunks that are none.
        ConnectionCutError: the client has gone.
    """
    # It is read before anything is answered.
    return replace(Request.of(plain), body=[b"".join(bytes(piece) for piece in plain.body)])


def _plain_response(response: Response, own: Mapping[str, str]) -> messages.Response:
    # Sorted, as the engine's HTTP server writes them.
    own = {name: value for name, value in own.items() if name not in response.omitted}
    headers = messages.Headers(sorted({**own, **response.headers}.items()))
    body = response.body
    if isinstance(body, bytes):
        if len(body) <= _BUFFER:
            return messages.Response(response.status, headers, body)
        body = [body]
    return messages.Response(response.status, headers, stream=iter(body))


def _hand_over(
    request: Request, response: Response, plain: messages.Response, own: Mapping[str, str]
) -> None:
    """Let a connection be taken over, after the head that the engine sends then."""
    take = response.hijack
    assert take is not None
    if response.status == 101:
        plain.headers, plain.hijack = messages.Headers(response.headers.items()), take
        return

    def after_the_head(connection: socket.socket, ahead: bytes) -> None:
        wait_until_read(connection)
        take(connection, ahead)

    kind = response.headers.get("Content-Type", "application/vnd.docker.raw-stream")
    headers = {"Content-Type": kind}
    plain.status, plain.hijack = 200, after_the_head
    if "Upgrade" in request.headers:
        headers = {**own, **headers, "Connection": "Upgrade", "Upgrade": "tcp"}
        plain.status, plain.reason = 101, "UPGRADED"
    plain.headers = messages.Headers(headers.items())


def chunks_of(data: bytes, size: int = _CHUNK) -> Iterator[bytes]:
    """A body in pieces."""
    stream = io.BytesIO(data)
    while piece := stream.read(size):
        yield piece
