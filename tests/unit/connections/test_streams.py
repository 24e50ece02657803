"""Byte streams over sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from imagebuilders.connections.streams import ByteStream, SocketStream


@pytest.fixture
def pair() -> Iterator[tuple[SocketStream, socket.socket]]:
    """A stream and the other end of its connection."""
    near, far = socket.socketpair()
    stream = SocketStream(near)
    with far:
        yield stream, far
    stream.close()


def test_both_ways(pair: tuple[SocketStream, socket.socket]) -> None:
    """What is there is received at once, the end as nothing."""
    near, far = pair
    stream: ByteStream = near
    stream.send(b"question")
    assert far.recv(100) == b"question"
    far.sendall(b"answer")
    assert stream.receive(3) == b"ans"
    assert stream.receive() == b"wer"
    far.close()
    assert stream.receive() == b""


def test_one_way_is_closed(pair: tuple[SocketStream, socket.socket]) -> None:
    """The other side sees the end, and can still answer."""
    stream, far = pair
    assert stream.close_write()
    assert far.recv(1) == b""
    far.sendall(b"answer")
    assert stream.receive() == b"answer"


def test_time_limits(pair: tuple[SocketStream, socket.socket]) -> None:
    """They hold for one call each."""
    stream, far = pair
    with pytest.raises(TimeoutError):
        stream.receive(timeout=0.01)
    with pytest.raises(TimeoutError):
        stream.send(bytes(10_000_000), timeout=0.01)
    for timeout in (None, 1e300, float("inf")):
        far.sendall(b"late")
        assert stream.receive(timeout=timeout) == b"late"


def test_closing_breaks_what_others_hold(pair: tuple[SocketStream, socket.socket]) -> None:
    """A forked process that shares the connection does not keep it up."""
    stream, far = pair
    with socket.socket(fileno=socket.dup(stream.fileno())):  # as a fork leaves it
        stream.close()
        far.settimeout(5)
        assert far.recv(1) == b""
