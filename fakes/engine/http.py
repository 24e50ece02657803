"""HTTP/1.1 as the engine speaks it: requests in, responses and hijacked streams out.

One connection carries requests one after another (RFC 9112). The same code
serves a socket pair inside the process and a listening socket.
"""

from __future__ import annotations

import fcntl
import io
import re
import select
import socket
import termios
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

from . import go_text
from .errors import DisconnectError

_MAX_HEADERS = 200
# Longer answers are sent in chunks, as the engine's HTTP server does that fills a buffer first.
_BUFFER = 2048
_VERSIONED = re.compile(r"/v([0-9.]+)(/.*)", re.DOTALL)
_CHUNK = 64 * 1024
_MAX_CHUNK_LINE = 4096
_LINGER = 1.0
"""Seconds for which a peer may go on to send on a connection that was taken over."""


class MalformedBodyError(Exception):
    """A body in chunks that are none; the text is what Go's reader says of them."""


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
    """

    method: str
    path: str
    version: str | None = None
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    route: str = ""
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
        hijack: takes over the connection after the headers; those of status 101 stand alone.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    hijack: Callable[[socket.socket, BinaryIO], None] | None = None
    omitted: Collection[str] = ()


def json_response(value: object, status: int = 200) -> Response:
    """A JSON document, as the engine ends it: with a newline."""
    body = (go_text.dumps(value) + "\n").encode("utf-8", "surrogateescape")
    return Response(status, body, {"Content-Type": "application/json"})


def error_response(status: int, message: str) -> Response:
    """An error in the engine's form."""
    return json_response({"message": message}, status)


Handler = Callable[[Request], Response]


def serve_connection(
    connection: socket.socket, handle: Handler, own_headers: Callable[[], Mapping[str, str]]
) -> None:
    """Answer the requests of one connection until the peer closes it."""
    with connection, connection.makefile("rb") as reader:
        try:
            while (request := read_request(reader)) is not None:
                request.is_abandoned = partial(is_gone, connection)
                if not _answer(connection, reader, request, handle, own_headers()):
                    return
        except MalformedBodyError as error:
            _refuse_body(connection, str(error), own_headers())
        except (OSError, DisconnectError, ValueError):
            return


def read_request(reader: BinaryIO) -> Request | None:
    """The next request, or `None` at the end.

    Raises:
        ValueError: when it is no HTTP.
        MalformedBodyError: when its chunks are none.
        OSError: when the connection breaks.
    """
    first = reader.readline(_CHUNK)
    if not first.strip():
        return None
    parts = first.decode("latin-1").split()
    if len(parts) != 3:
        raise ValueError("malformed request line")
    method, target, _ = parts
    lines: list[tuple[str, str]] = []
    for _ in range(_MAX_HEADERS):
        line = reader.readline(_CHUNK)
        if line in (b"\r\n", b"\n", b""):
            break
        name, _, value = line.decode("latin-1").partition(":")
        lines.append((name.strip().lower(), value.strip()))
    headers = dict(lines)
    request = make_request(method, target, headers, _read_body(reader, headers))
    request.header_lines = tuple(lines)
    return request


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


def _read_body(reader: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        parts: list[bytes] = []
        while True:
            size = _chunk_size(reader.readline(_MAX_CHUNK_LINE))
            if size == 0:
                while reader.readline(_CHUNK) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(parts)
            parts.append(_exactly(reader, size))
            reader.readline(_CHUNK)
    length = int(headers.get("content-length") or 0)
    return _exactly(reader, length) if length else b""


def _chunk_size(line: bytes) -> int:
    if not line:
        raise ValueError("the body ended early")
    if not line.endswith(b"\n"):
        raise MalformedBodyError("header line too long")
    try:
        return int(line.split(b";")[0], 16)
    except ValueError as error:
        raise MalformedBodyError("invalid byte in chunk length") from error


def _exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) != size:
        raise ValueError("the body ended early")
    return data


def _answer(
    connection: socket.socket,
    reader: BinaryIO,
    request: Request,
    handle: Handler,
    own_headers: Mapping[str, str],
) -> bool:
    response = handle(request)
    own_headers = {k: v for k, v in own_headers.items() if k not in response.omitted}
    if response.hijack is not None:
        connection.sendall(_hijack_head(request, response, own_headers))
        if response.status != 101:
            _until_read(connection)
        response.hijack(connection, reader)
        _hang_up(connection)
        return False
    if isinstance(response.body, bytes) and (
        len(response.body) <= _BUFFER or request.method == "HEAD"
    ):
        headers = _with_date(own_headers, response.headers)
        body = b"" if request.method == "HEAD" else response.body
        if response.status not in (204, 304):
            headers.setdefault("Content-Length", str(len(response.body)))
        connection.sendall(_head(response.status, headers) + body)
        return request.headers.get("connection", "").lower() != "close"
    headers = {
        **_with_date(own_headers, response.headers),
        "Transfer-Encoding": "chunked",
    }
    body_iterator = iter([response.body] if isinstance(response.body, bytes) else response.body)
    try:
        connection.sendall(_head(response.status, headers))
        for piece in body_iterator:
            if piece:
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            elif is_gone(connection):
                return False
        connection.sendall(b"0\r\n\r\n")
    finally:
        close = getattr(body_iterator, "close", None)
        if close is not None:
            close()
    return request.headers.get("connection", "").lower() != "close"


def _refuse_body(connection: socket.socket, words: str, own: Mapping[str, str]) -> None:
    """Answer a request whose body cannot be read, and read on so that the answer arrives."""
    body = (go_text.dumps({"message": words}) + "\n").encode()
    about = {"Content-Type": "application/json", "Connection": "close"}
    headers = _with_date(own, {**about, "Content-Length": str(len(body))})
    with suppress(OSError):
        connection.settimeout(1)
        connection.sendall(_head(500, headers) + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(_CHUNK):
            pass


def _hang_up(connection: socket.socket) -> None:
    """End a connection that was taken over.

    The peer is told that all is said, and what it still sends is read away: a connection that is
    closed with input unread takes with it what was not received yet.
    """
    deadline = time.monotonic() + _LINGER
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(_CHUNK):
                return


def read_away(connection: socket.socket) -> None:
    """Take what a peer has sent and nobody wants, so that it can send more."""
    with suppress(OSError, ValueError):
        while _polled(connection, select.POLLIN) and connection.recv(_CHUNK):
            pass


def is_gone(connection: socket.socket) -> bool:
    """Whether the peer has closed its end."""
    try:
        return _polled(connection, select.POLLIN) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True


def is_hung_up(connection: socket.socket) -> bool:
    """Whether both directions are closed; a client without input closes only its own."""
    try:
        return _polled(connection, 0)
    except (OSError, ValueError):
        return True


def _polled(connection: socket.socket, events: int) -> bool:
    """Whether one of these events, or an end, is there; descriptors may be of any number."""
    poller = select.poll()
    poller.register(connection, events)
    return bool(poller.poll(0))


def _until_read(connection: socket.socket) -> None:
    """Wait until the peer has read the headers.

    The SDK reads headers through a buffer and a hijacked stream past it: what
    comes with the headers would be lost in the buffer. A real engine is slow
    enough for that not to happen.
    """
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        try:
            left = fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))
        except OSError:
            time.sleep(0.005)
            return
        if not any(left):
            break
        time.sleep(0.0002)
    if connection.family != socket.AF_UNIX:
        # Over TCP that only says that the bytes arrived.
        time.sleep(0.005)


def _with_date(own: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    # Sorted, but for the date, as the engine's HTTP server writes them.
    headers = {**own, **more}
    return {**{name: headers[name] for name in sorted(headers)}, "Date": formatdate(usegmt=True)}


def _hijack_head(request: Request, response: Response, own: Mapping[str, str]) -> bytes:
    if response.status == 101:
        return _head(101, response.headers)
    kind = response.headers.get("Content-Type", "application/vnd.docker.raw-stream")
    if "upgrade" in request.headers:
        headers = {"Content-Type": kind, "Connection": "Upgrade", "Upgrade": "tcp"}
        status = 101
    else:
        headers, status = {"Content-Type": kind}, 200
    if status == 101:
        return _head(101, {**own, **headers}, "UPGRADED")
    return _head(status, headers)


def _head(status: int, headers: Mapping[str, str], reason: str = "") -> bytes:
    reason = reason or HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines.extend(f"{name}: {value}" for name, value in headers.items())
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def chunks_of(data: bytes, size: int = _CHUNK) -> Iterator[bytes]:
    """A body in pieces."""
    stream = io.BytesIO(data)
    while piece := stream.read(size):
        yield piece
