"""What goes wrong on the way to a daemon; the packages above turn it into errors of their own."""

from __future__ import annotations

from imagebuilders.buildkit.transport.status import RpcStatus


class TransportError(Exception):
    """The connection broke, or was closed."""


class ProtocolError(TransportError):
    """The peer broke a rule of HTTP/2 or gRPC."""


class CallError(TransportError):
    """A call ended with another status than OK.

    Attributes:
        status: the status.
    """

    def __init__(self, status: RpcStatus) -> None:
        super().__init__(status)
        self.status = status

    def __str__(self) -> str:
        return f"{self.status.name}: {self.status.message}"


class CallCancelledError(TransportError):
    """The call is over for the peer, or was cancelled here: nothing more can be sent or read."""
