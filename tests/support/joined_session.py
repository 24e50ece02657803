"""A session of ours and the daemon's end of it, joined by a pair of sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from fakes.buildkit.session_peer import SessionPeer
from imagebuilders.buildkit.session.session import Service, Session
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.connections.nonblocking import NonBlockingSocket


@contextmanager
def joined_session(*services: Service) -> Iterator[SessionPeer]:
    """Serve some services; yield what a daemon calls them by."""
    session = Session(services)
    ours, theirs = socket.socketpair()
    server = Channel(
        NonBlockingSocket(ours), Role.SERVER, handlers=session.handlers, answers=session.answers
    )
    client = Channel(NonBlockingSocket(theirs), Role.CLIENT)
    try:
        yield SessionPeer(session.metadata(), client.link)
    finally:
        client.close()
        server.close()
