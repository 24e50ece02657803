"""A call with one message each way."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.link import Link


def unary(
    link: Link, path: str, message: bytes, metadata: Metadata = (), timeout: float | None = None
) -> bytes:
    """Make a call with one message each way; return the answer.

    Raises:
        CallError: it ended with another status than OK.
        TransportError: the connection broke.
        CallTimeoutError: no answer came in time.
    """
    end = None if timeout is None else time.monotonic() + timeout

    def left() -> float | None:
        return None if end is None else max(0.0, end - time.monotonic())

    call = link.call(path, metadata)
    try:
        with suppress(TransportError):  # the answer says more than that the call is over
            call.send(message, last=True)
        answer = call.receive(left())
        if answer is None:
            raise CallError(RpcStatus(Code.INTERNAL, "the answer has no message"))
        if call.receive(left()) is not None:
            raise CallError(RpcStatus(Code.INTERNAL, "the answer has several messages"))
    finally:
        call.cancel()
    return answer
