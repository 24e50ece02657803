"""The threaded server of all doubles."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from left_threads import left_threads
from pytest_mock import MockerFixture

from fakes.http.server import Server, serving


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(100):
        connection.sendall(data)


def _connect(address: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(address.removeprefix("unix://"))
    return client


def _says_back(address: str) -> bool:
    with _connect(address) as client:
        client.sendall(b"x")
        return client.recv(1) == b"x"


def test_hundreds_arrive_at_once() -> None:
    """None of them is refused, whoever is served first."""
    with serving(_echo, name="double") as address:
        clients = []
        for _ in range(300):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            client.connect(address.removeprefix("unix://"))
            clients.append(client)
        assert _says_back(address)
        for client in clients:
            client.close()


def test_closing_breaks_connections_and_ends_threads() -> None:
    """Also those whose client says nothing."""
    before = set(threading.enumerate())
    with serving(_echo, name="double") as address:
        client = _connect(address)
        assert _says_back(address)
    with client:
        assert client.recv(1) == b""
    assert left_threads(before) == []


def _failing_once(mocker: MockerFixture, name: str, error: Exception) -> None:
    owner, _, attribute = name.rpartition(".")
    module: object = socket.socket if owner == "socket" else threading.Thread
    real: Callable[..., object] = getattr(module, attribute)
    errors = [error]

    def call(*arguments: object) -> object:
        if errors and (owner == "socket" or arguments[0].name == "short"):  # type: ignore[attr-defined]
            raise errors.pop()
        return real(*arguments)

    mocker.patch.object(module, attribute, call)


def test_a_shortage_of_descriptors_passes(mocker: MockerFixture) -> None:
    """Who waited in the meantime is served."""
    with serving(_echo, name="double") as address:
        _failing_once(mocker, "socket.accept", OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
        assert _says_back(address)


def test_a_shortage_of_threads_passes(mocker: MockerFixture) -> None:
    """The one connection ends; the next is served."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener, _echo, name="short")
    _wait_until_it_accepts(listener.getsockname())
    _failing_once(mocker, "Thread.start", RuntimeError("can't start new thread"))
    with socket.create_connection(listener.getsockname(), timeout=5) as refused:
        assert refused.recv(1) == b""
    _wait_until_it_accepts(listener.getsockname())
    server.close()


def _wait_until_it_accepts(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_a_shortage_of_descriptors_at_the_start_is_told(mocker: MockerFixture) -> None:
    """By whoever starts the server, not by a thread that dies in silence."""
    mocker.patch(
        "fakes.http.server.DefaultSelector", side_effect=OSError(errno.EMFILE, "no descriptor")
    )
    with (
        pytest.raises(OSError, match="no descriptor"),
        serving(_echo, name="double"),
    ):
        pass


def test_connections_are_of_the_listener_s_class() -> None:
    """Another event loop's listener, which does not block, may accept Python's own (eventlet)."""

    class LoopSocket(socket.socket):
        """Its `accept` returns a `socket.socket`."""

    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(type(connection))
        _echo(connection)

    listener = LoopSocket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = Server(listener, serve, name="loop")
    _wait_until_it_accepts(listener.getsockname())
    server.close()
    assert seen == [LoopSocket]


def test_a_client_that_goes_away_is_no_error() -> None:
    """An `OSError` of the connection ends it; the server goes on."""

    def serve(connection: socket.socket) -> None:
        raise ConnectionResetError

    with serving(serve, name="double") as address:
        for _ in range(2):
            with _connect(address) as client:
                assert client.recv(1) == b""


def test_a_server_that_cannot_speak_tls_with_a_client_goes_on() -> None:
    """A handshake that fails ends its connection alone."""
    pytest.importorskip("cryptography")
    from fakes.http.certificates import make_certificate

    certificate = make_certificate("localhost")
    context = certificate.server_context()
    with serving(_echo, "tcp://127.0.0.1:0", name="double", tls=context) as address:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        with socket.create_connection(place, timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionResetError):
                assert b"HTTP" not in plain.recv(100)
        with (
            socket.create_connection(place, timeout=5) as raw,
            certificate.client_context().wrap_socket(raw, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"x")
            assert secure.recv(1) == b"x"
