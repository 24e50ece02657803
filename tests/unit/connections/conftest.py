"""An engine double behind TCP and TLS, and a proxy before it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from fakes import FakeDockerEngine
from fakes.registry.tls import Certificate, make_certificate


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """A certificate for this machine that is its own authority."""
    pytest.importorskip("cryptography")
    return make_certificate("localhost")


@contextmanager
def _accepting(handle: Callable[[socket.socket], None]) -> Iterator[int]:
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


@pytest.fixture
def engine() -> FakeDockerEngine:
    """An engine."""
    return FakeDockerEngine("20.10")


@pytest.fixture
def tcp_port(engine: FakeDockerEngine) -> Iterator[int]:
    """The port where it listens."""
    with engine.serve("tcp://127.0.0.1:0") as address:
        yield int(address.rpartition(":")[2])


@pytest.fixture
def tls_port(engine: FakeDockerEngine, certificate: Certificate) -> Iterator[int]:
    """The port where it listens with TLS, and wants a certificate of its clients."""
    context = certificate.server_context()
    context.load_verify_locations(cadata=certificate.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED

    def handle(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            encrypted = context.wrap_socket(connection, server_side=True)
            with encrypted:
                engine.serve_connection(encrypted)

    with _accepting(handle) as port:
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


@pytest.fixture
def proxied() -> Iterator[Callable[[int], Proxy]]:
    """Start a proxy before a port."""
    with ExitStack() as started:

        def start(to: int) -> Proxy:
            proxy = Proxy(to)
            proxy.port = started.enter_context(_accepting(proxy.handle))
            return proxy

        yield start


@pytest.fixture
def serve_bytes() -> Iterator[Callable[[bytes], int]]:
    """Give the same bytes to everybody who connects, and close; the value is the port."""
    with ExitStack() as started:

        def start(answer: bytes) -> int:
            def handle(connection: socket.socket) -> None:
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(answer)

            return started.enter_context(_accepting(handle))

        yield start
