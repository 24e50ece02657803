"""Byte streams whose reading and writing never wait, for one thread that serves both ways."""

from __future__ import annotations

import _socket
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Protocol, TypeGuard

from imagebuilders.connections.streams import SocketLike

READ_BYTES = 128 * 1024


class NonBlockingStream(Protocol):
    """A byte stream in both directions, used by one thread."""

    def read_descriptor(self) -> int:
        """Return the descriptor that is readable when there is something to read."""
        ...

    def write_descriptor(self) -> int:
        """Return the descriptor that is writable when something can be written."""
        ...

    def read(self) -> bytes | None:
        """Return what has come, `b""` at the end, `None` when nothing has yet.

        Bytes may be there although the descriptor is not readable: read until `None`.

        Raises:
            OSError: the stream broke.
        """
        ...

    def write(self, data: memoryview) -> int:
        """Write what can be written now; return how many bytes, 0 when none can.

        Raises:
            OSError: the stream broke.
        """
        ...

    def close(self) -> None:
        """Close it; a second call has no effect."""
        ...


class NonBlockingSocket:
    """A connected socket, of TLS too."""

    def __init__(self, connected: socket.socket, *, begun: bytes = b"") -> None:
        """Take the socket over.

        Args:
            connected: the socket; it is closed with the stream.
            begun: bytes that were read from it already.
        """
        self._socket = connected
        self._begun = begun
        connected.setblocking(False)

    def read_descriptor(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def write_descriptor(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def read(self) -> bytes | None:
        """Return what has come, `b""` at the end, `None` when nothing has yet."""
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        try:
            return self._socket.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return b""

    def write(self, data: memoryview) -> int:
        """Write what can be written now; return how many bytes."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError:
            self._raise_alert()
            raise

    def _raise_alert(self) -> None:
        """Raise why the other side closed, if it said so by TLS: as with a certificate refused."""
        if isinstance(self._socket, ssl.SSLSocket):
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError):
                self._socket.recv(READ_BYTES)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class NonBlockingPipes:
    """The standard output and input of a command that leads to a daemon."""

    def __init__(
        self, output: IO[bytes], standard_input: IO[bytes], *, close: Callable[[], None]
    ) -> None:
        """Take the pipes over.

        Args:
            output: what the command prints; nothing of it was read into a buffer.
            standard_input: what the command reads.
            close: ends the command.
        """
        self._output = output
        self._input = standard_input
        self._close = close
        self._is_closed = False
        os.set_blocking(output.fileno(), False)
        os.set_blocking(standard_input.fileno(), False)

    def read_descriptor(self) -> int:
        """Return the descriptor of the command's output."""
        return self._output.fileno()

    def write_descriptor(self) -> int:
        """Return the descriptor of the command's input."""
        return self._input.fileno()

    def read(self) -> bytes | None:
        """Return what has come, `b""` at the end, `None` when nothing has yet."""
        try:
            return os.read(self._output.fileno(), READ_BYTES)
        except BlockingIOError:
            return None

    def write(self, data: memoryview) -> int:
        """Write what can be written now; return how many bytes."""
        try:
            return os.write(self._input.fileno(), data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """End the command and close the pipes."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(OSError):
            self._close()
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()


def non_blocking(connected: SocketLike) -> NonBlockingStream:
    """Return a stream over a connection that has just been made, which the stream then owns.

    Args:
        connected: a socket, or what other libraries have in its place: the Docker SDK's `ssh`
            command, a channel of paramiko's, TLS inside of TLS.
    """
    process = getattr(connected, "proc", None)
    if process is not None:  # the SDK's socket is a shell around a command
        return NonBlockingPipes(process.stdout, process.stdin, close=connected.close)
    if _is_socket(connected):
        return NonBlockingSocket(connected)
    return NonBlockingSocket(_relayed(connected))


def _is_socket(connected: SocketLike) -> TypeGuard[socket.socket]:
    """Return whether it is a socket of the system.

    `socket.socket` may be a class of a plugin that forbids a network to tests, which those of an
    engine in this process do not have; or another event loop's, which has no such base.
    """
    return isinstance(connected, (socket.socket, _socket.socket))


def _relayed(connected: SocketLike) -> socket.socket:
    """Return a socket that a connection's bytes pass through, carried by two threads.

    Closing it closes the connection, and with that the threads end.
    """
    near, far = socket.socketpair()

    def outwards() -> None:
        with suppress(OSError, EOFError):
            while data := far.recv(READ_BYTES):
                connected.sendall(data)
        connected.close()

    def inwards() -> None:
        with far:
            with suppress(OSError, EOFError):
                while data := connected.recv(READ_BYTES):
                    far.sendall(data)
            with suppress(OSError):
                far.shutdown(socket.SHUT_RDWR)

    connected.settimeout(None)
    for carry in (outwards, inwards):
        threading.Thread(target=carry, name="imagebuilders relay", daemon=True).start()
    return near
