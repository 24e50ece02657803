"""The road to a double in the same process."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from types import ModuleType

import pytest
import requests

from fakes.http import socket_pairs
from fakes.http.conversation import Conversation
from fakes.http.messages import Response
from fakes.http.socket_pairs import SocketPairAdapter


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as it is where `socket.socket` refuses to be made."""

    class Guarded(socket.socket):
        def __new__(cls, *_: object, **__: object) -> Guarded:
            raise RuntimeError("no network in this test")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "socket", Guarded)
        yield importlib.reload(socket_pairs)
    importlib.reload(socket_pairs)


def test_no_network_is_needed(without_network: ModuleType) -> None:
    """A plugin that forbids sockets does not forbid this."""
    near, far = without_network._pair()
    near.sendall(b"x")
    assert far.recv(1) == b"x"
    near.close()
    far.close()


def test_a_session_reaches_a_double() -> None:
    """By real HTTP; nothing stays open between requests."""

    def serve(connection: socket.socket) -> None:
        with connection:
            Conversation(connection, lambda request: Response.of(200, body=b"here")).run()

    with requests.Session() as session:
        session.mount("http://double", SocketPairAdapter(serve, 5))
        assert session.get("http://double/a").text == "here"
