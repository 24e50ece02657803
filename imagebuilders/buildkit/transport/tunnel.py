"""A connection inside a call's messages."""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.buildkit.transport.call import Call
from imagebuilders.buildkit.transport.calls import CallMachine
from imagebuilders.buildkit.transport.errors import ProtocolError, TransportError
from imagebuilders.buildkit.transport.link import Link

_AHEAD_BYTES = 256 * 1024
"""So much waits in the outer call; the rest waits in its own call of the inner connection."""


class Tunnel:
    """Carries the bytes of a link in a call's messages. Its methods run with the lock held."""

    def __init__(
        self,
        call: Call,
        link: Link,
        wrap: Callable[[bytes], bytes],
        unwrap: Callable[[bytes], bytes],
    ) -> None:
        self.call = call
        self.link = link
        self._wrap = wrap
        self._unwrap = unwrap

    def receive(self) -> None:
        """Hand what came in the call's messages to the inner connection."""
        call, link = self.call, self.link
        while call.has_messages:
            message = call.take() or b""
            if link.failure is None:
                try:
                    link.receive(self._unwrap(message))
                except ProtocolError as error:
                    link.fail(error)
                    call.cancel()
        if call.is_over:
            link.fail(TransportError("the session is over"))

    def send(self, machine: CallMachine) -> None:
        """Put what the inner connection has to send into messages of the call."""
        call = self.call
        while (
            self.link.machine.has_output
            and call.status is None
            and machine.queued(call.number) < _AHEAD_BYTES
        ):
            machine.send(call.number, self._wrap(self.link.take_output()))

    @property
    def is_over(self) -> bool:
        """Whether the call is over, and no thread serves a call inside it any more."""
        return self.call.status is not None and not self.link.threads()
