"""What goes wrong on the way to a daemon; the packages above turn it into errors of their own."""

from __future__ import annotations

from imagebuilders.buildkit.transport.status import RpcStatus
from imagebuilders.exceptions import BuildKitError


class TransportError(BuildKitError):
    """The connection broke, or was closed."""


class ProtocolError(TransportError):
    """The peer broke a rule of HTTP/2 or gRPC."""


class CallTimeoutError(TransportError):
    """The peer did not answer in the time that it was given."""


class CallCancelledError(TransportError):
    """The call is over for the peer, or was cancelled here: nothing more can be sent or read."""


class CallError(TransportError):
    """A call ended with another status than OK.

    Attributes:
        status: the status.
    """

    def __init__(self, status: RpcStatus) -> None:
        super().__init__(f"{status.name}: {status.message}")
        self.status = status
