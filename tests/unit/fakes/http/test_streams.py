"""What a server finds out about a connected client."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import pytest
from pytest_mock import MockerFixture

from fakes.http import streams

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A client and the server's end."""
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def test_without_poll_a_client_that_is_gone_is_seen_as_well(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event loops that take `poll` away (eventlet) leave `select`."""
    monkeypatch.delattr("select.poll")
    near, far = pair
    assert not streams.is_gone(far)
    assert not streams.is_hung_up(far)
    near.sendall(b"x")
    assert not streams.is_gone(far)
    streams.read_away(far)
    near.close()
    assert streams.is_gone(far)


def test_a_client_is_there_until_it_closes_its_end(pair: Pair) -> None:
    """Whatever it has sent; only an end of both directions is a hanging up."""
    near, far = pair
    assert not streams.is_gone(far)
    near.sendall(b"x")
    assert not streams.is_gone(far)
    near.shutdown(socket.SHUT_WR)
    assert not streams.is_gone(far)
    assert not streams.is_hung_up(far)
    assert far.recv(9) == b"x"
    assert streams.is_gone(far)
    near.close()
    assert streams.is_hung_up(far)


def test_idleness_is_limited_by_the_system(pair: Pair) -> None:
    """The socket blocks, so that Python asks for nothing before it reads; 0 is for ever."""
    far = pair[1]
    for seconds in (600, 0):
        streams.limit_idleness(far, seconds)
        assert far.gettimeout() is None
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            kept = far.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("@ll"))
            assert struct.unpack("@ll", kept) == (seconds, 0)


def test_a_connection_that_is_closed_is_gone(pair: Pair) -> None:
    """It has no descriptor any more."""
    pair[1].close()
    assert streams.is_gone(pair[1])
    assert streams.is_hung_up(pair[1])
    streams.read_away(pair[1])


def test_what_nobody_wants_is_read_away(pair: Pair) -> None:
    """All of it, without waiting for more."""
    near, far = pair
    near.sendall(bytes(100_000))
    streams.read_away(far)
    near.sendall(b"x")
    assert far.recv(9) == b"x"


def test_it_is_seen_when_a_client_has_read(pair: Pair, mocker: MockerFixture) -> None:
    """A client that does not read is waited for, but not for ever."""
    _, far = pair
    pause = mocker.patch.object(time, "sleep")
    streams.wait_until_read(far)
    pause.assert_not_called()
    far.sendall(b"x")
    streams.wait_until_read(far)
    assert pause.call_count == 5000
    mocker.patch("fcntl.ioctl", side_effect=OSError)
    streams.wait_until_read(far)
    pause.assert_called_with(0.005)


def test_over_tcp_a_moment_more_is_waited(mocker: MockerFixture) -> None:
    """What arrived is not read yet."""
    pause = mocker.patch.object(time, "sleep")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        streams.wait_until_read(client)
    pause.assert_called_with(0.005)


def test_hanging_up_lets_everything_arrive(pair: Pair, mocker: MockerFixture) -> None:
    """What the client still sends is taken, up to a bound."""
    near, far = pair
    near.sendall(b"x" * 1000)
    near.shutdown(socket.SHUT_WR)
    far.sendall(b"said")
    streams.hang_up(far)
    assert near.recv(9) == b"said"
    assert near.recv(9) == b""
    endless = mocker.Mock()
    endless.recv.return_value = b"x"
    streams.hang_up(endless)
    assert endless.recv.call_count == 1024
