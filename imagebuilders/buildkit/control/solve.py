"""One build: `Solve` and `Status` side by side, followed by the thread that asked for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import SERVICE, read
from imagebuilders.buildkit.proto.control_pb2 import (
    SolveRequest,
    SolveResponse,
    StatusRequest,
    StatusResponse,
)
from imagebuilders.buildkit.transport.errors import CallError, CallTimeoutError, TransportError

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.transport.call import Call

STUCK_SECONDS = 5.0
"""So long after its last step failed a build may go on without a word."""

STATUS_SECONDS = 5.0
"""So long the rest of the status may take once a build has succeeded."""

OnStatus = Callable[[StatusResponse], None]


def new_ref() -> str:
    """Return a name for a build, which no other has."""
    return secrets.token_hex(13)[:25]


def solve(client: ControlClient, request: SolveRequest, on_status: OnStatus) -> dict[str, str]:
    """Have a daemon build, and follow it to its end.

    An exception of any kind, `KeyboardInterrupt` and one of `on_status` too, ends the build at
    the daemon.

    Args:
        client: the daemon.
        request: what to build; without a `Ref` it gets one.
        on_status: called in this thread with everything that the daemon tells.

    Returns:
        What the exporters say of their results, as in `containerimage.digest`.

    Raises:
        CallError: the build failed.
        TransportError: the connection broke.
    """
    if not request.Ref:
        request.Ref = new_ref()
    channel = client.channel
    # Status first: what it tells before it is listened to is told again.
    status = channel.call(f"{SERVICE}Status")
    call: Call | None = None
    try:
        call = channel.call(f"{SERVICE}Solve")
        call.send(request.SerializeToString(), last=True)
        status.send(StatusRequest(Ref=request.Ref).SerializeToString(), last=True)
        return _Following(call, status, on_status).run()
    finally:
        # First the build, then its status: the daemon ends what runs.
        for open_call in (call, status):
            if open_call is not None:
                open_call.cancel()


class _Following:
    """Waits for a build's answer and its status, whichever has news."""

    def __init__(self, call: Call, status: Call, on_status: OnStatus) -> None:
        self._call = call
        self._status = status
        self._on_status = on_status
        self._open: set[str] = set()
        self._has_failed = False
        self._heard = time.monotonic()

    def run(self) -> dict[str, str]:
        while not self._call.has_news:
            if self._status.is_over:
                break  # the answer comes next
            waited = self._call.wait_with((self._call, self._status), self._patience())
            self._tell_all()
            if not waited and self._has_failed and not self._open:
                raise self._stuck()
        answer = self._answer()
        self._tell_rest()
        return answer

    def _answer(self) -> dict[str, str]:
        try:
            message = self._call.receive(STUCK_SECONDS if self._has_failed else None)
        except CallTimeoutError:
            raise self._stuck() from None
        except CallError:
            self._tell_all()  # what came before it; a build that never began has no more
            raise
        if message is None:
            raise TransportError("the daemon's answer is empty")
        return dict(read(SolveResponse.FromString, message).ExporterResponse)

    def _patience(self) -> float | None:
        return STUCK_SECONDS if self._has_failed and not self._open else None

    def _stuck(self) -> TransportError:
        return TransportError(
            "a step failed, and the daemon did not end the build: it was ended here"
        )

    def _tell_rest(self) -> None:
        end = time.monotonic() + STATUS_SECONDS
        while not self._status.is_over and (left := end - time.monotonic()) > 0:
            self._status.wait_with((self._status,), left)
            self._tell_all()

    def _tell_all(self) -> None:
        try:
            while (message := self._status.receive_now()) is not None:
                response = read(StatusResponse.FromString, message)
                self._note(response)
                self._on_status(response)
        except CallError:
            pass  # the build's own answer says why

    def _note(self, response: StatusResponse) -> None:
        for vertex in response.vertexes:
            if vertex.HasField("completed"):
                self._open.discard(vertex.digest)
                self._has_failed = self._has_failed or bool(vertex.error)
            elif vertex.HasField("started"):
                self._open.add(vertex.digest)
