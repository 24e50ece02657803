"""The engine's requests and answers, over the HTTP/1.1 that all doubles speak."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

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
class Request:
    """One request.

    Attributes:
        method: in upper case.
        path: decoded, without the version prefix.
        version: the API version asked for, or `None`.
        query: the parameters; a name can have several values.
        headers: names in lower case.
        body: the whole body.
        query_string: the parameters as they were written.
        header_lines: all headers as they were written, names in lower case.
        route: the pattern that matched, set by the router.
        faults: the kinds of the faults that happen to it, set by the router.
    """

    method: str
    path: str
    version: str | None = None
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    route: str = ""
    faults: tuple[str, ...] = ()
    query_string: str = ""
    header_lines: tuple[tuple[str, str], ...] = ()
    is_abandoned: Callable[[], bool] = lambda: False

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        """A query parameter as the engine reads booleans."""
        value = self.parameter(name).strip().lower()
        return value not in ("", "0", "no", "false", "none")


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
    """Return a request of the API, with its whole body.

    Raises:
        BadRequestError: its body comes in chunks that are none.
        ConnectionCutError: the client has gone.
    """
    lines = tuple((name.lower(), value) for name, value in plain.headers)
    body = b"".join(bytes(piece) for piece in plain.body)
    request = make_request(plain.method, plain.target, dict(lines), body)
    request.header_lines = lines
    request.is_abandoned = plain.is_abandoned
    return request


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
    if "upgrade" in request.headers:
        headers = {**own, **headers, "Connection": "Upgrade", "Upgrade": "tcp"}
        plain.status, plain.reason = 101, "UPGRADED"
    plain.headers = messages.Headers(headers.items())


def make_request(method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
    """A request from its parts, with the API version taken off the path."""
    url = urlsplit(target)
    path, version = unquote(url.path), None
    if match := _VERSIONED.fullmatch(path):
        version, path = match.groups()
    query = parse_qs(url.query, keep_blank_values=True)
    request = Request(method.upper(), path, version, query, headers, body)
    request.query_string = url.query
    return request


def chunks_of(data: bytes, size: int = _CHUNK) -> Iterator[bytes]:
    """A body in pieces."""
    stream = io.BytesIO(data)
    while piece := stream.read(size):
        yield piece
