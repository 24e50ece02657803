"""The engine double behind a socket, for other processes."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

HIDING = ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""The variables that would lead a client elsewhere although it has the DOCKER_HOST."""


class EngineServer:
    """Accepts connections and serves each in a thread."""

    def __init__(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        self._listener = listener
        self._serve = serve
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False
        self._acceptor = threading.Thread(target=self._accept, name="fake-docker-engine")
        self._acceptor.daemon = True
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._open.add(connection)
                thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
                self._threads = [t for t in self._threads if t.is_alive()]
                self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def close(self) -> None:
        """Stop, breaking the connections that are open."""
        with self._lock:
            self._closed = True
            connections, threads = list(self._open), list(self._threads)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        for thread in threads:
            thread.join(5)


@contextmanager
def serve(handle: Callable[[socket.socket], None], listen: str | None = None) -> Iterator[str]:
    """Serve connections for the length of a `with` block; its value is the `DOCKER_HOST`.

    Raises:
        ValueError: when the address is neither `unix://PATH` nor `tcp://HOST:PORT`.
        OSError: when it cannot be listened on.
    """
    folder = None
    if listen is None:
        folder = tempfile.mkdtemp(prefix="fake-docker-")
        listen = f"unix://{folder}/docker.sock"
    path = ""
    if listen.startswith("unix://"):
        path = listen.removeprefix("unix://")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        address = listen
        try:
            listener.bind(path)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise OSError(error.errno, _why_taken(path), path) from error
            raise
    elif listen.startswith("tcp://"):
        host, _, port = listen.removeprefix("tcp://").rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError(f"{listen!r} is no tcp://HOST:PORT with a port up to 65535")
        listener = socket.create_server((host, int(port)))
        address = f"tcp://{host}:{listener.getsockname()[1]}"
    else:
        raise ValueError(f"{listen!r} is neither unix://PATH nor tcp://HOST:PORT")
    listener.listen(128)
    server = EngineServer(listener, handle)
    try:
        yield address
    finally:
        server.close()
        if path:
            with suppress(OSError):
                os.unlink(path)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _why_taken(path: str) -> str:
    """What is where a socket was to be: bind() calls a file of any kind an address in use."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(path)
        except OSError:
            return "there is a file already: remove it or choose another path"
    return "another program listens there: choose another path"
