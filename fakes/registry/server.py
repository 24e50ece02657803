"""A small threaded HTTP/1.1 server: one thread accepts, one serves each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector
from threading import Lock, Thread

from .http1 import BadRequestError, Body, Input, parse_head, response_head
from .messages import ConnectionCutError, Request, Response

_SMALL = 16 * 1024
_IDLE_SECONDS = 600.0


class Server:
    """Serves one handler on one address until it is closed.

    Args:
        handle: answers a request; it lets out nothing but what reading the body raises:
            `ConnectionCutError` and `BadRequestError`.
        host: the address to listen on.
        port: the port; 0 for any that is free.
        tls: serve HTTPS with this context.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._handle = handle
        self._tls = tls
        self._lock = Lock()
        self._connections: dict[socket.socket, Thread] = {}
        self._closing = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self.host, self.port = self._listener.getsockname()[:2]
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._acceptor = Thread(target=self._accept, name=f"registry:{self.port}", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, end each connection, and wait for all threads."""
        with self._lock:
            self._closing = True
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"x")
        self._acceptor.join()
        with self._lock:
            open_connections = list(self._connections.items())
        for connection, _ in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in open_connections:
            thread.join()

    def _accept(self) -> None:
        with (
            self._listener,
            self._wake_reader,
            self._wake_writer,
            DefaultSelector() as selector,
        ):
            selector.register(self._listener, EVENT_READ)
            selector.register(self._wake_reader, EVENT_READ)
            while True:
                selector.select()
                if self._closing:
                    return
                with contextlib.suppress(OSError):
                    self._begin(self._listener.accept()[0])

    def _begin(self, connection: socket.socket) -> None:
        thread = Thread(target=self._serve, args=(connection,), name="registry", daemon=True)
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Serve one connection to its end. A client that goes away is no error."""
        stream = connection
        try:
            with contextlib.suppress(OSError):
                connection.settimeout(_IDLE_SECONDS)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    stream = self._secure(connection, self._tls)
                _Conversation(stream, self._handle, "https" if self._tls else "http").run()
        finally:
            with self._lock:
                self._connections.pop(connection, None)
                self._connections.pop(stream, None)
            stream.close()
            connection.close()

    def _secure(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        """Wrap the connection; `close` must then shut down the wrapped one."""
        wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections[wrapped] = self._connections.pop(connection)
            closing = self._closing
        try:
            if closing:  # `close` saw the socket that this one replaced
                raise ConnectionAbortedError("the server is closing")
            wrapped.do_handshake()
        except OSError:
            with self._lock:
                self._connections.pop(wrapped, None)
            wrapped.close()
            raise
        return wrapped


class _Conversation:
    """Requests and responses on one connection."""

    def __init__(
        self, stream: socket.socket, handle: Callable[[Request], Response], scheme: str
    ) -> None:
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
