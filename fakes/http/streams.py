"""What a server finds out about a connected client, and how it ends with one."""

from __future__ import annotations

import fcntl
import select
import socket
import ssl
import struct
import termios
import time
from contextlib import suppress

_PIECE = 64 * 1024
_LINGER_SECONDS = 1.0
"""So long a peer may go on to send on a connection that is at its end."""
_MOST_PIECES = 1024
"""A peer that does not stop to send is left after so many pieces."""
_READ_SECONDS = 0.0002
_PEER_CLOSED = getattr(select, "POLLRDHUP", 0)


def limit_idleness(connection: socket.socket, seconds: int) -> None:
    """Let reads and writes in which nothing happens for so long fail (`OSError`); 0 for never.

    The system sees to that: a timeout of Python's own costs a system call for each of them.
    """
    connection.settimeout(None)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", seconds, 0))


def is_gone(connection: socket.socket) -> bool:
    """Whether the peer has closed its end."""
    try:
        if isinstance(connection, ssl.SSLSocket):
            # What waits there is encrypted, and its last record comes before the end.
            return _polled(connection, _PEER_CLOSED)
        return _polled(connection, select.POLLIN) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True


def is_hung_up(connection: socket.socket) -> bool:
    """Whether both directions are closed; a client without input closes only its own."""
    try:
        return _polled(connection, 0)
    except (OSError, ValueError):
        return True


def read_away(connection: socket.socket) -> None:
    """Take what a peer has sent and nobody wants, so that it can send more."""
    with suppress(OSError, ValueError):
        while _polled(connection, select.POLLIN) and connection.recv(_PIECE):
            pass


def wait_until_read(connection: socket.socket) -> None:
    """Wait until the peer has read what was sent to it.

    The Docker SDK reads headers through a buffer and a stream that is taken over past it: what
    comes with the headers would be lost in the buffer. A real engine is slow enough for that not
    to happen.
    """
    for _ in range(round(_LINGER_SECONDS / _READ_SECONDS)):
        try:
            left = fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))
        except OSError:
            time.sleep(0.005)
            return
        if not any(left):
            break
        time.sleep(_READ_SECONDS)
    if connection.family != socket.AF_UNIX:
        # Over TCP that only says that the bytes arrived.
        time.sleep(0.005)


def hang_up(connection: socket.socket) -> None:
    """End a connection so that everything that was sent arrives.

    The peer is told that all is said, and what it still sends is read away: a connection that is
    closed with input unread takes with it what was not received yet.
    """
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(_LINGER_SECONDS)
        for _ in range(_MOST_PIECES):
            if not connection.recv(_PIECE):
                return


def _polled(connection: socket.socket, events: int) -> bool:
    """Whether one of these events, or an end, is there; descriptors may be of any number."""
    if not hasattr(select, "poll"):
        # Another event loop took it away (eventlet); its own tells of what can be read alone.
        return bool(events & select.POLLIN and select.select([connection], [], [], 0)[0])
    poller = select.poll()
    poller.register(connection, events)
    return bool(poller.poll(0))
