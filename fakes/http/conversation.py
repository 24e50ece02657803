"""Requests and answers on one connection (RFC 9112), of whichever double."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from .http1 import Body, Input, complete, parse_head, response_head
from .messages import BadRequestError, ConnectionCutError, Request, Response
from .reasons import REASONS
from .streams import hang_up, is_gone, limit_idleness

_SMALL = 16 * 1024
_IDLE_SECONDS = 600


class Conversation:
    """Answers the requests of one connection, one after another.

    Args:
        stream: the connection.
        handle: answers a request; it lets out nothing but `ConnectionCutError`, for a connection
            that is to end without an answer, and what reading the body raises.
        begun: bytes that were read from it already.
    """

    def __init__(
        self, stream: socket.socket, handle: Callable[[Request], Response], begun: bytes = b""
    ) -> None:
        limit_idleness(stream, _IDLE_SECONDS)
        self._stream = stream
        self._handle = handle
        self._scheme = "https" if isinstance(stream, ssl.SSLSocket) else "http"
        self._input = Input(partial(_receive, stream), begun)

    def run(self) -> None:
        """Answer requests until one side wants to stop; that a client goes away is no error."""
        with suppress(ConnectionCutError, OSError):
            try:
                while self._exchange():
                    pass
            except BadRequestError as error:
                self._refuse(error)

    def _exchange(self) -> bool:
        head = self._input.head()
        if head is None:
            return False
        method, target, headers, version = parse_head(head)
        waits = "100-continue" in headers.tokens("Expect")
        body = Body(self._input, headers, self._send_continue if waits else lambda: None)
        abandoned = partial(is_gone, self._stream)
        response = self._handle(Request(method, target, headers, body, self._scheme, abandoned))
        if response.hijack is not None:
            self._hand_over(response, response.hijack)
            return False
        old = version == "HTTP/1.0"
        asked = headers.tokens("Connection") | response.headers.tokens("Connection")
        close = "close" in asked or (old and "keep-alive" not in asked) or body.is_ambiguous
        # A client that waits for "100 Continue" may or may not send the body after a refusal.
        close = close or (waits and not body.is_begun and not body.is_read)
        close = close or (old and response.stream is not None)
        connection = "close" if close else "keep-alive" if old else ""
        if not self._send(response, connection, bodiless=method == "HEAD", chunked=not old):
            return False
        if close or response.cut_after is not None:
            self._linger(body)
            return False
        for _ in body:  # what the handler left, so that the next request can be read
            pass
        return True

    def _send(self, response: Response, connection: str, *, bodiless: bool, chunked: bool) -> bool:
        """Send an answer, and tell whether the client was there to its end."""
        complete(response)
        if response.stream is not None:
            try:
                return self._send_stream(response, connection, bodiless=bodiless, chunked=chunked)
            finally:
                if (close := getattr(response.stream, "close", None)) is not None:
                    close()
        head = response_head(response, connection=connection)
        body = b"" if bodiless else response.body
        if response.cut_after is not None:
            body = memoryview(body)[: response.cut_after]
        if len(body) <= _SMALL:
            self._stream.sendall(head + bytes(body))
        else:
            self._stream.sendall(head)
            self._stream.sendall(body)
        return True

    def _send_stream(
        self, response: Response, connection: str, *, bodiless: bool, chunked: bool
    ) -> bool:
        assert response.stream is not None
        if chunked:
            response.headers.add("Transfer-Encoding", "chunked")
        self._stream.sendall(response_head(response, connection=connection))
        if bodiless:
            return True
        for piece in response.stream:
            if piece:
                framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
                self._stream.sendall(framed)
            elif is_gone(self._stream):
                return False
        if chunked:
            self._stream.sendall(b"0\r\n\r\n")
        return True

    def _hand_over(self, response: Response, take: Callable[[socket.socket, bytes], None]) -> None:
        self._stream.sendall(response_head(response))
        limit_idleness(self._stream, 0)
        take(self._stream, self._input.ahead())
        hang_up(self._stream)

    def _send_continue(self) -> None:
        try:
            self._stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        except OSError as error:
            raise ConnectionCutError(str(error)) from error

    def _linger(self, body: Body) -> None:
        """Close so that the client reads the answer: unread input would reset the connection."""
        self._stream.shutdown(socket.SHUT_WR)
        self._stream.settimeout(1.0)
        with suppress(BadRequestError):
            for _ in body:
                pass

    def _refuse(self, error: BadRequestError) -> None:
        """Say what is wrong as servers in Go do, which real engines and registries are."""
        text = f"{error.status} {REASONS[error.status]}: {error}"
        fields = {"Content-Type": "text/plain; charset=utf-8"}
        refusal = Response.of(error.status, fields, text.encode("latin-1", "replace"))
        self._send(refusal, "close", bodiless=False, chunked=True)
        hang_up(self._stream)


def _receive(stream: socket.socket, space: memoryview) -> int:
    """Read while the double works: a client that breaks off is no defect of its.

    No method: a circle of objects would keep the buffer until the collector comes by.
    """
    try:
        return stream.recv_into(space)
    except OSError as error:
        raise ConnectionCutError(str(error)) from error
