"""An SSH agent behind a Unix socket, such as the user's own."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from imagebuilders.buildkit.proto.control_pb2 import BytesMessage
from imagebuilders.buildkit.session.ssh import MAX_MESSAGE_BYTES, content_of
from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.errors import TransportError

_READ_BYTES = 32 * 1024
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

    def carry(self, call: Call, begun: bytes) -> None:
        """Pass bytes both ways until one side ends.

        This thread writes to the agent; what it answers is read by another.
        """
        reader = threading.Thread(
            target=self._answer, args=(call,), name="imagebuilders ssh agent", daemon=True
        )
        reader.start()
        try:
            self._socket.sendall(begun)
            while (message := call.receive()) is not None:
                self._socket.sendall(content_of(message))
            self._socket.shutdown(socket.SHUT_WR)
        except BaseException:
            self.interrupt()
            raise
        finally:
            reader.join()

    def _answer(self, call: Call) -> None:
        try:
            while piece := self._socket.recv(_READ_BYTES):
                call.send(BytesMessage(data=piece).SerializeToString())
            call.finish()
        except (OSError, TransportError):
            self.interrupt()

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
