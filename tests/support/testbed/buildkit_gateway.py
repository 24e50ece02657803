"""A server that is `buildkitd` to its clients: each connection leads to an engine's BuildKit."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

_REQUEST = (
    b"POST /grpc HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    b"Content-Length: 0\r\n\r\n"
)
_PIECE = 64 * 1024


def upgraded(docker_host: str) -> tuple[socket.socket, bytes]:
    """Return a connection to an engine's BuildKit, and what came right behind the upgrade."""
    parts = urlsplit(docker_host)
    if parts.scheme == "unix":
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(parts.path)
    else:
        connected = socket.create_connection((parts.hostname or "", parts.port or 0), 10)
        connected.settimeout(None)
    connected.sendall(_REQUEST)
    came = b""
    while b"\r\n\r\n" not in came:
        data = connected.recv(_PIECE)
        if not data:
            raise ConnectionError(f"the engine closed the connection after {came!r}")
        came += data
    head, _, rest = came.partition(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(f"the engine answered {head!r}")
    return connected, rest


class BuildKitGateway:
    """Listens on 127.0.0.1, by TLS if it is given a context.

    Attributes:
        address: where it listens, as in `tcp://localhost:1234`.
        tls: the context of the next connections.
        accepted: how many connections came.
    """

    def __init__(self, docker_host: str, tls: ssl.SSLContext | None = None) -> None:
        self._docker_host = docker_host
        self.tls = tls
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://localhost:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def kill(self) -> None:
        """Stop to listen and break all connections, as a killed daemon does."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            opened = list(self._open)
        for connected in opened:
            with suppress(OSError):
                # Not that of TLS, which two threads use.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop to listen, and wait for what is left."""
        self.kill()
        for thread in self._threads:
            thread.join(10)

    def __enter__(self) -> BuildKitGateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._start(self._serve, connected)

    def _serve(self, plain: socket.socket) -> None:
        near = plain
        try:
            with self._lock:
                self._open.add(plain)
            if self.tls is not None:
                plain.settimeout(10)
                near = self.tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._open.discard(plain)
                    self._open.add(near)
            far, begun = upgraded(self._docker_host)
            with self._lock:
                self._open.add(far)
            try:
                _pipe(near, far, begun)
            finally:
                with self._lock:
                    self._open.discard(far)
                far.close()
        except OSError:
            pass  # the client or the engine went away
        finally:
            with self._lock:
                self._open.discard(near)
            near.close()


def _pipe(near: socket.socket, far: socket.socket, begun: bytes) -> None:
    """Carry bytes both ways until one side ends; a TLS socket is used by this thread alone."""
    import selectors

    near.settimeout(10)
    far.settimeout(10)
    near.sendall(begun)
    with selectors.DefaultSelector() as selector:
        selector.register(near, selectors.EVENT_READ, (near, far))
        selector.register(far, selectors.EVENT_READ, (far, near))
        while True:
            for key, _ in selector.select():
                source, target = key.data
                while True:
                    data = source.recv(_PIECE)
                    if not data:
                        return
                    target.sendall(data)
                    if not isinstance(source, ssl.SSLSocket) or not source.pending():
                        break
