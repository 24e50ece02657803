"""The sessions that clients have opened at a scripted daemon."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus

from .session_peer import SessionPeer

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagebuilders.buildkit.transport.link import Link

    from .faults import Faults


class OpenSessions:
    """The sessions of all clients.

    Args:
        faults: what goes wrong with calls of sessions.

    Attributes:
        opened: all that were opened, in order.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.opened: list[SessionPeer] = []
        self._changed = threading.Condition()

    def add(self, metadata: Metadata, link: Link, end: Callable[[], None]) -> None:
        """Take in a session.

        Args:
            metadata: the headers by which the client opened it.
            link: the connection on which its services are called.
            end: ends that connection.
        """
        with self._changed:
            self.opened.append(SessionPeer(metadata, link, self._faults, end))
            self._changed.notify_all()

    def forget_closed(self) -> None:
        """Forget the sessions that are over."""
        with self._changed:
            self.opened[:] = [session for session in self.opened if session.is_open]

    def find(self, name: str, seconds: float) -> SessionPeer:
        """Wait for a session, and return it.

        Args:
            name: its ID.
            seconds: so long it may take to be opened.

        Raises:
            CallError: there is none of that ID.
        """

        def found() -> SessionPeer | None:
            named = (session for session in self.opened if session.id == name)
            return next((session for session in named if session.is_open), None)

        with self._changed:
            session = self._changed.wait_for(found, seconds)
        if session is None:
            words = f"no active session for {name}: context deadline exceeded"
            raise CallError(RpcStatus(Code.DEADLINE_EXCEEDED, words))
        return session
