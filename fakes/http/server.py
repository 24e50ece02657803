"""A threaded server: one thread accepts, one serves each connection.

It is written by hand because the doubles need what no library's server gives: connections that are
taken over or broken on purpose, and an end that waits for every thread.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING

from .addresses import listening

if TYPE_CHECKING:
    import ssl

_SHORTAGE_PAUSE = 0.02
"""Seconds until a server looks again that could not accept, as when no descriptor was left."""


class Server:
    """Serves the connections of one listening socket until it is closed.

    Args:
        listener: the socket, which is closed with the server.
        serve: serves one connection to its end; what it leaves open is closed.
        name: the name of its threads.
        tls: the context of a server that speaks TLS.
        patience: seconds that `close` waits for each connection; `None` for as long as it takes.
    """

    def __init__(
        self,
        listener: socket.socket,
        serve: Callable[[socket.socket], None],
        *,
        name: str,
        tls: ssl.SSLContext | None = None,
        patience: float | None = 5,
    ) -> None:
        self._listener = listener
        self._serve = serve
        self._name = name
        self._tls = tls
        self._patience = patience
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._closing = threading.Event()
        # Here, where the caller hears that no descriptor is left for it.
        self._selector = DefaultSelector()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name=name, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop listening, break the connections that are open, and wait for their threads."""
        with self._lock:
            self._closing.set()
        with suppress(OSError):
            self._wake_writer.send(b"x")
        self._acceptor.join()
        with self._lock:
            left = list(self._connections.items())
        for connection, _ in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in left:
            thread.join(self._patience)

    def _accept(self) -> None:
        # The selector is closed first, which forgets sockets that are still open.
        with (
            self._listener,
            self._wake_reader,
            self._wake_writer,
            self._selector as selector,
        ):
            self._listener.setblocking(False)
            selector.register(self._listener, EVENT_READ)
            selector.register(self._wake_reader, EVENT_READ)
            while True:
                selector.select()
                if self._closing.is_set():
                    return
                try:
                    self._begin(self._accepted())
                except BlockingIOError:
                    pass  # The client has gone again.
                except (OSError, RuntimeError):
                    # No descriptor or thread is left: those who wait are served when one is.
                    self._closing.wait(_SHORTAGE_PAUSE)

    def _accepted(self) -> socket.socket:
        """A connection, of the listener's class.

        Where another event loop has put its own in the place of sockets (eventlet), a listener
        that does not block returns one that would hold up the whole loop.
        """
        connection = self._listener.accept()[0]
        if isinstance(connection, type(self._listener)):
            return connection
        kind = (connection.family, connection.type, connection.proto)
        return type(self._listener)(*kind, connection.detach())

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(True)
        thread = threading.Thread(
            target=self._run, args=(connection,), name=self._name, daemon=True
        )
        with self._lock:
            self._connections[connection] = thread
        try:
            thread.start()
        except RuntimeError:
            with self._lock:
                del self._connections[connection]
            connection.close()
            raise

    def _run(self, connection: socket.socket) -> None:
        """Serve one connection to its end. A client that goes away is no error."""
        stream = connection
        try:
            with suppress(OSError):
                if connection.family != socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    stream = self._secure(connection, self._tls)
                self._serve(stream)
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
            closing = self._closing.is_set()
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


@contextmanager
def serving(
    serve: Callable[[socket.socket], None],
    listen: str | None = None,
    *,
    name: str,
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Serve connections for the length of a `with` block.

    Args:
        serve: serves one connection to its end.
        listen: `unix://PATH` or `tcp://HOST:PORT`; a socket in a fresh folder when left out.
        name: the double's.
        tls: the context of a server that speaks TLS.

    Returns:
        A context manager whose value is the address.

    Raises:
        ValueError: the address has neither form.
        OSError: it cannot be listened on.
    """
    with listening(listen, name) as (listener, address):
        server = Server(listener, serve, name=name, tls=tls)
        try:
            yield address
        finally:
            server.close()
