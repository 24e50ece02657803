"""Byte streams to daemons: what HTTP, HTTP/2 and gRPC are spoken over."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Protocol

RECEIVE_BYTES = 64 * 1024


class ByteStream(Protocol):
    """A connection that carries bytes both ways.

    One thread may send while another receives. Errors are the system's: `TimeoutError` for a time
    limit, another `OSError` for a connection that failed.
    """

    def send(self, data: bytes, *, timeout: float | None = None) -> None:
        """Send all bytes.

        Args:
            data: what to send.
            timeout: seconds the other side may take none of them; without limit by default.

        Raises:
            OSError: the connection failed, or the time limit passed.
        """

    def receive(self, limit: int = RECEIVE_BYTES, *, timeout: float | None = None) -> bytes:
        """Return the bytes that are there, after waiting for the first; `b""` at the end.

        Args:
            limit: the most bytes to return.
            timeout: seconds to wait; without limit by default.

        Raises:
            OSError: the connection failed, or the time limit passed.
        """
        ...

    def close_write(self) -> bool:
        """Tell the other side that no more bytes will be sent; what it sends is still received.

        Returns:
            Whether that was possible; by TLS it is not.
        """
        ...

    def fileno(self) -> int:
        """Return the descriptor to wait on; bytes may be there although it is not readable."""
        ...

    def close(self) -> None:
        """Break the connection, for other processes that share it, too."""


class SocketLike(Protocol):
    """What is needed of a socket; those of `socket`, `ssl` and paramiko have it."""

    def settimeout(self, timeout: float | None, /) -> None:
        """Set the time limit of the next calls."""

    def sendall(self, data: bytes, /) -> None:
        """Send all bytes."""

    def recv(self, limit: int, /) -> bytes:
        """Return the bytes that are there."""
        ...

    def shutdown(self, how: int, /) -> None:
        """Break one way, or both."""

    def fileno(self) -> int:
        """Return the descriptor."""
        ...

    def close(self) -> None:
        """Release it."""


class SocketStream:
    """A `ByteStream` over a connected socket, which it then owns."""

    def __init__(self, connected: SocketLike) -> None:
        self._socket = connected

    def send(self, data: bytes, *, timeout: float | None = None) -> None:
        """Send all bytes."""
        self._socket.settimeout(_bounded(timeout))
        self._socket.sendall(data)

    def receive(self, limit: int = RECEIVE_BYTES, *, timeout: float | None = None) -> bytes:
        """Return the bytes that are there, after waiting for the first; `b""` at the end."""
        self._socket.settimeout(_bounded(timeout))
        return self._socket.recv(limit)

    def close_write(self) -> bool:
        """Tell the other side that no more bytes will be sent, except by TLS."""
        # A TLS socket of Python's would forget its keys.
        if hasattr(self._socket, "cipher"):
            return False
        self._socket.shutdown(socket.SHUT_WR)
        return True

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Break the connection, for other processes that share it, too."""
        # A forked child that holds the same connection would keep it up beyond `close` alone.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def interrupt(self) -> None:
        """Break the connection, so that a thread that waits on it goes on and closes it."""
        with suppress(OSError):
            if isinstance(self._socket, socket.socket):
                # Not TLS's own method, which would forget its keys under the other thread.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            else:
                self._socket.shutdown(socket.SHUT_RDWR)


def _bounded(timeout: float | None) -> float | None:
    """Return a time limit that the system can take; one of centuries is none."""
    return None if timeout is None or timeout > threading.TIMEOUT_MAX else timeout
