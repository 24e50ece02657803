"""An SSH agent behind a Unix socket, such as the user's own."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from imagebuilders.buildkit.session.ssh import MAX_MESSAGE_BYTES

_LENGTH_BYTES = 4
CONNECT_SECONDS = 10.0


class SocketAgent:
    """An agent by the path of its socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    @contextmanager
    def connect(self) -> Iterator[_Connection]:
        """Connect to it."""
        with socket.socket(socket.AF_UNIX) as connected:
            connected.settimeout(CONNECT_SECONDS)
            connected.connect(self.path)
            connected.settimeout(None)  # its user may be asked to confirm
            yield _Connection(connected)


class _Connection:
    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def ask(self, request: bytes) -> bytes:
        """Return the agent's answer to a request."""
        self._socket.sendall(len(request).to_bytes(_LENGTH_BYTES, "big") + request)
        length = int.from_bytes(self._read(_LENGTH_BYTES), "big")
        if not 0 < length <= MAX_MESSAGE_BYTES:
            raise _gone(errno.EMSGSIZE)
        return self._read(length)

    def interrupt(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._socket.recv(length - len(data))
            if not piece:
                raise _gone(errno.ECONNRESET)
            data += piece
        return bytes(data)


def _gone(number: int) -> OSError:
    return OSError(number, os.strerror(number))
