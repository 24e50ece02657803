"""A call with one message each way."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.link import Link


class UnaryCall:
    """A call with one message each way, which was sent; the answer is still to come."""

    def __init__(
        self,
        link: Link,
        path: str,
        message: bytes,
        metadata: Metadata = (),
        timeout: float | None = None,
    ) -> None:
        """Send the message.

        Args:
            link: the connection.
            path: which method is called.
            message: what it is given.
            metadata: the call's headers.
            timeout: seconds from now that the answer may take; without limit by default.

        Raises:
            TransportError: the connection broke.
        """
        self._end = None if timeout is None else time.monotonic() + timeout
        self._call = link.call(path, metadata)
        with suppress(TransportError):  # the answer says more than that the call is over
            self._call.send(message, last=True)

    def answer(self) -> bytes:
        """Wait for the answer and return it.

        Raises:
            CallError: the call ended with another status than OK.
            TransportError: the connection broke.
            CallTimeoutError: no answer came in time.
        """
        try:
            answer = self._call.receive(self._left())
            if answer is None:
                raise CallError(RpcStatus(Code.INTERNAL, "the answer has no message"))
            if self._call.receive(self._left()) is not None:
                raise CallError(RpcStatus(Code.INTERNAL, "the answer has several messages"))
        finally:
            self._call.cancel()
        return answer

    def _left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())


def unary(
    link: Link, path: str, message: bytes, metadata: Metadata = (), timeout: float | None = None
) -> bytes:
    """Make a call with one message each way; return the answer.

    Raises:
        CallError: it ended with another status than OK.
        TransportError: the connection broke.
        CallTimeoutError: no answer came in time.
    """
    return UnaryCall(link, path, message, metadata, timeout).answer()
