"""One connection of a client's to a scripted daemon."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from imagebuilders.buildkit.transport.call import Handler
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.connections.nonblocking import NonBlockingSocket


class ScriptedConnection:
    """A connection, which a script can break.

    Attributes:
        socket: what carries it.
    """

    def __init__(
        self,
        connected: socket.socket,
        role: Role,
        *,
        begun: bytes = b"",
        handlers: Callable[[ScriptedConnection], Mapping[str, Handler]] | None = None,
    ) -> None:
        """Take a connected socket over.

        Args:
            connected: the socket; it is closed with the connection.
            role: the daemon's end of HTTP/2.
            begun: bytes that were read from it already.
            handlers: returns what serves the client's calls on a connection (server role).
        """
        self.socket = connected
        self._is_made = threading.Event()
        self._channel = Channel(
            NonBlockingSocket(connected, begun=begun),
            role,
            handlers=None if handlers is None else handlers(self),
            name="fake-buildkit",
        )
        self._is_made.set()

    @property
    def channel(self) -> Channel:
        """The HTTP/2 on it. A call may come before the connection is made up here."""
        self._is_made.wait()
        return self._channel

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed yet."""
        return self.socket.fileno() >= 0

    def cut(self) -> None:
        """Break the connection, as when the daemon dies."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def send_raw(self, data: bytes) -> None:
        """Send bytes past HTTP/2; they may land within a frame that is being sent."""
        with suppress(OSError):
            self.socket.send(data)

    def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is at its end."""
        self.channel.wait_closed(timeout)

    def close(self) -> None:
        """Close the connection, with everything that was said so far said."""
        self.channel.close()
