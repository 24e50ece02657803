"""Servers on ports of this machine: an engine double behind TLS, and a proxy before any server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from fakes import FakeDockerEngine
from fakes.http.certificates import Certificate


@contextmanager
def accepting(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """Handle each connection in a thread; the value is the port."""
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=handle, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (acceptor, *threads):
            thread.join(5)


@contextmanager
def engine_with_tls(engine: FakeDockerEngine, certificate: Certificate) -> Iterator[int]:
    """Serve an engine by TLS, which wants a certificate of its clients; the value is the port."""
    context = certificate.server_context()
    context.load_verify_locations(cadata=certificate.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            encrypted = context.wrap_socket(connection, server_side=True)
            with encrypted:
                engine.serve_connection(encrypted)

    with accepting(handle) as port:
        yield port


class Proxy:
    """A proxy that leads everything to one port, and notes what it was asked first."""

    def __init__(self, to: int) -> None:
        self.to = to
        self.status = "200 OK"
        self.heads: list[bytes] = []
        self.port = 0

    def handle(self, connection: socket.socket) -> None:
        """Pass a connection on."""
        with connection, suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.heads.append(head)
            with socket.create_connection(("127.0.0.1", self.to)) as server:
                if head.startswith(b"CONNECT"):
                    connection.sendall(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
                    if not self.status.startswith("200"):
                        return
                else:
                    line, _, rest = head.partition(b"\r\n")
                    method, url, version = line.split()
                    path = b"/" + url.split(b"/", 3)[3]
                    server.sendall(b" ".join([method, path, version]) + b"\r\n" + rest)
                back = threading.Thread(target=_pump, args=(server, connection))
                back.start()
                _pump(connection, server)
                back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
