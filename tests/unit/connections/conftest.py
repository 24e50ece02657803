"""An engine double behind TCP and TLS, and a proxy before it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from ports import Proxy, accepting, engine_with_tls

from fakes import FakeDockerEngine
from fakes.http.certificates import Certificate, make_certificate


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """A certificate for this machine that is its own authority."""
    pytest.importorskip("cryptography")
    return make_certificate("localhost")


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
    with engine_with_tls(engine, certificate) as port:
        yield port


@pytest.fixture
def proxied() -> Iterator[Callable[[int], Proxy]]:
    """Start a proxy before a port."""
    with ExitStack() as started:

        def start(to: int) -> Proxy:
            proxy = Proxy(to)
            proxy.port = started.enter_context(accepting(proxy.handle))
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

            return started.enter_context(accepting(handle))

        yield start
