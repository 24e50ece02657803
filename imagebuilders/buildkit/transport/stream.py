"""What a channel asks of a byte stream: reading and writing that never wait."""

from __future__ import annotations

import socket
import ssl
from typing import Protocol

_READ_BYTES = 256 * 1024


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
            return self._socket.recv(_READ_BYTES)
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

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
