"""HTTP/1.1 on one connection."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from .http1 import BadRequestError, Body, Input, parse_head, response_head
from .messages import ConnectionCutError, Request, Response

_SMALL = 16 * 1024
_IDLE_SECONDS = 600.0


class Conversation:
    """Requests and responses on one connection."""

    def __init__(
        self, stream: socket.socket, handle: Callable[[Request], Response], scheme: str
    ) -> None:
        stream.settimeout(_IDLE_SECONDS)
        self._stream = stream
        self._handle = handle
        self._scheme = scheme
        self._input = Input(self._receive)

    def run(self) -> None:
        """Answer requests until one side wants to stop."""
        try:
            while self._exchange():
                pass
        except ConnectionCutError:
            return
        except BadRequestError as error:
            self._refuse(str(error))

    def _exchange(self) -> bool:
        head = self._input.head()
        if head is None:
            return False
        method, target, headers, version = parse_head(head)
        waits = headers.get("Expect").lower() == "100-continue"
        body = Body(self._input, headers, self._send_continue if waits else lambda: None)
        response = self._handle(Request(method, target, headers, body, self._scheme))
        asked = headers.get("Connection").lower()
        close = asked == "close" or (version == "HTTP/1.0" and asked != "keep-alive")
        # A client that waits for "100 Continue" may or may not send the body after a refusal.
        close = close or (waits and not body.is_begun and not body.is_read)
        self._send(response, close=close)
        if close or response.cut_after is not None:
            self._linger(body)
            return False
        for _ in body:  # what the handler left, so that the next request can be read
            pass
        return True

    def _send(self, response: Response, *, close: bool) -> None:
        head = response_head(response, close=close)
        body = response.body
        if response.cut_after is not None:
            body = memoryview(body)[: response.cut_after]
        if len(body) <= _SMALL:
            self._stream.sendall(head + bytes(body))
            return
        self._stream.sendall(head)
        self._stream.sendall(body)

    def _receive(self, space: memoryview) -> int:
        """Read while the registry works: a client that breaks off is no defect of its."""
        try:
            return self._stream.recv_into(space)
        except OSError as error:
            raise ConnectionCutError(str(error)) from error

    def _send_continue(self) -> None:
        try:
            self._stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        except OSError as error:
            raise ConnectionCutError(str(error)) from error

    def _linger(self, body: Body) -> None:
        """Close so that the client reads the answer: unread input would reset the connection."""
        self._stream.shutdown(socket.SHUT_WR)
        self._stream.settimeout(1.0)
        with contextlib.suppress(BadRequestError, ConnectionCutError):
            for _ in body:
                pass

    def _refuse(self, reason: str) -> None:
        text = reason.encode("latin-1", "replace")
        response = Response.of(
            400, {"Content-Type": "text/plain", "Content-Length": str(len(text))}, text
        )
        self._stream.sendall(response_head(response, close=True) + text)
