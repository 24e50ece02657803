"""Connections to what a command speaks to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_mock import MockerFixture

from imagebuilders.connections import command
from imagebuilders.connections.command import CommandError, CommandSocket
from imagebuilders.connections.streams import SocketStream


@contextmanager
def _shell(script: str) -> Iterator[CommandSocket]:
    """A connection to a shell script."""
    connected = CommandSocket(["sh", "-c", script])
    try:
        yield connected
    finally:
        connected.close()


def _is_running(connected: CommandSocket) -> bool:
    return connected._process.poll() is None


ECHO = "exec cat"


def test_both_ways() -> None:
    """Standard input and output of the command are the connection."""
    with _shell(ECHO) as connected:
        connected.sendall(b"abc")
        assert connected.recv(10) == b"abc"
        with connected.makefile("rb") as file:
            connected.send(b"line\n")
            assert file.readline() == b"line\n"
        assert _is_running(connected)
    assert not _is_running(connected)


def test_one_way_is_closed() -> None:
    """The command sees the end of its input, ends, and that is the end of its output."""
    with _shell("cat; printf end") as connected:
        stream = SocketStream(connected)
        assert stream.close_write()
        assert stream.receive() == b"end"
        assert stream.receive() == b""


@pytest.mark.parametrize("way", ["recv", "recv_into"])
def test_a_failed_command_says_why(way: str) -> None:
    """What it wrote to standard error, and its exit code, are in the error."""
    program = "echo denied >&2; echo ' (publickey)' >&2; exit 255"
    words = r"the command sh ended with exit code 255: denied \(publickey\)"
    with _shell(program) as connected, pytest.raises(CommandError, match=words) as caught:
        connected.recv(10) if way == "recv" else connected.recv_into(bytearray(10))
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.strerror == str(caught.value)


@pytest.mark.parametrize("way", ["send", "sendall"])
def test_a_failed_command_takes_nothing(way: str) -> None:
    """Sending tells why it failed, too."""
    with _shell("echo gone >&2; exit 1") as connected:
        connected._process.wait()
        with pytest.raises(CommandError, match="exit code 1: gone"):
            getattr(connected, way)(b"data")


def test_a_command_that_was_killed() -> None:
    """The signal is named."""
    with (
        _shell("kill -9 $$") as connected,
        pytest.raises(CommandError, match=r"ended with signal 9$"),
    ):
        connected.recv(10)


def test_data_before_a_failure_is_received() -> None:
    """The error comes after the last byte."""
    with _shell("printf some; exit 3") as connected:
        assert connected.recv(10) == b"some"
        with pytest.raises(CommandError, match="exit code 3"):
            connected.recv(10)


def test_a_command_that_is_not_there() -> None:
    """The error names it."""
    with pytest.raises(CommandError, match="the command no-such-program cannot be run: no such"):
        CommandSocket(["no-such-program", "x"])


def test_a_command_that_says_much_is_not_held_up() -> None:
    """What nobody reads is lost."""
    with _shell("head -c 9999999 /dev/zero >&2; printf done") as connected:
        assert connected.recv(10) == b"done"


def test_a_command_that_does_not_end_is_killed(mocker: MockerFixture) -> None:
    """Closing does not wait for it without end."""
    mocker.patch.object(command, "EXIT_SECONDS", 0.01)
    with _shell("trap '' TERM; printf x; exec sleep 60") as connected:
        connected.recv(1)
    assert connected._process.returncode == -9


def test_a_file_keeps_the_command() -> None:
    """As with any socket, closing counts when the last file made of it is closed."""
    with _shell(ECHO) as connected:
        file = connected.makefile("rb")
        connected.close()
        assert _is_running(connected)
        file.close()
        assert not _is_running(connected)


def test_a_forked_process_does_not_end_the_command(mocker: MockerFixture) -> None:
    """It closes its share of the connection, no more."""
    with _shell(ECHO) as connected:
        owner = os.getpid()
        shared = os.dup(connected.fileno())
        mocker.patch("os.getpid", return_value=owner + 1)
        connected.close()
        mocker.stopall()
        process = connected._process
        process.returncode = None
        assert process.poll() is None
        os.close(shared)
        assert process.wait() == 0
