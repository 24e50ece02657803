"""One build: `Solve` and `Status` side by side, followed by the thread that asked for it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from imagebuilders.buildkit.control.client import SERVICE, read
from imagebuilders.buildkit.proto.control_pb2 import (
    SolveRequest,
    SolveResponse,
    StatusRequest,
    StatusResponse,
)
from imagebuilders.buildkit.transport.errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    TransportError,
)

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.buildkit.transport.call import Call

STUCK_SECONDS = 5.0
"""So long after its last step failed a build may go on without a word."""

STATUS_SECONDS = 5.0
"""So long the rest of the status may take once a build has ended."""

FIRST_STATUS_SECONDS = 0.5
"""So long its first word may take then: a build that was refused never has one."""

OnStatus = Callable[[StatusResponse], None]


def new_ref() -> str:
    """Return a name for a build, which no other has."""
    return secrets.token_hex(13)[:25]


class SilentDaemonError(TransportError):
    """A build was ended, as the daemon said nothing for too long."""


def solve(
    client: ControlClient,
    request: SolveRequest,
    on_status: OnStatus,
    *,
    idle_timeout: float | None = None,
    start_timeout: float | None = None,
) -> dict[str, str]:
    """Have a daemon build, and follow it to its end.

    An exception of any kind, `KeyboardInterrupt` and one of `on_status` too, ends the build at
    the daemon.

    Args:
        client: the daemon.
        request: what to build; without a `Ref` it gets one.
        on_status: called in this thread with everything that the daemon tells.
        idle_timeout: seconds that the daemon may tell nothing; without limit by default.
        start_timeout: seconds that its first word may take; without limit by default.

    Returns:
        What the exporters say of their results, as in `containerimage.digest`.

    Raises:
        CallError: the build failed.
        SilentDaemonError: the daemon told nothing for too long.
        TransportError: the connection broke.
    """
    with following(
        client, request, on_status, idle_timeout=idle_timeout, start_timeout=start_timeout
    ) as build:
        return build.response()


@contextmanager
def following(
    client: ControlClient,
    request: SolveRequest,
    on_status: OnStatus,
    *,
    idle_timeout: float | None = None,
    start_timeout: float | None = None,
) -> Iterator[Following]:
    """Ask a daemon to build, for the length of a `with` block.

    Whatever ends the block ends the build at the daemon, if it still runs.

    Args:
        client: the daemon.
        request: what to build; without a `Ref` it gets one.
        on_status: called in this thread with everything that the daemon tells.
        idle_timeout: seconds that the daemon may tell nothing; without limit by default.
        start_timeout: seconds that its first word may take; without limit by default.

    Raises:
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
        with suppress(CallError, CallCancelledError):  # a refusal that comes first is told below
            call.send(request.SerializeToString(), last=True)
        with suppress(CallError, CallCancelledError):
            status.send(StatusRequest(Ref=request.Ref).SerializeToString(), last=True)
        yield Following(call, status, on_status, idle_timeout, start_timeout)
    finally:
        # First the build, then its status: the daemon ends what runs.
        for open_call in (call, status):
            if open_call is not None:
                open_call.cancel()


class Following:
    """Waits for a build's answer and its status, whichever has news."""

    def __init__(
        self,
        call: Call,
        status: Call,
        on_status: OnStatus,
        idle_timeout: float | None,
        start_timeout: float | None = None,
    ) -> None:
        self._call = call
        self._status = status
        self._on_status = on_status
        self._idle_timeout = idle_timeout
        self._start_end = None if start_timeout is None else time.monotonic() + start_timeout
        self._start_timeout = start_timeout
        self._open: set[str] = set()
        self._has_failed = False
        self._is_told = False

    def response(self) -> dict[str, str]:
        """Follow the build to its end; return what the exporters say of their results.

        Raises:
            CallError: the build failed.
            SilentDaemonError: the daemon told nothing for too long.
            TransportError: the connection broke.
        """
        while not self._call.has_news:
            if self._status.is_over:
                break  # the answer comes next
            waited = self._call.wait_with((self._call, self._status), self._patience())
            self._tell_all()
            if not waited:
                raise self._gave_up()
        answer = self._answer()
        self._tell_rest()
        return answer

    def answer_to(self, call: Call) -> bytes:
        """Wait for the answer to another call that is about this build, while it goes on.

        Raises:
            CallError: that call, or the build, ended with another status than OK.
            SilentDaemonError: the daemon told nothing for too long.
            TransportError: the connection broke, or the build ended without that answer.
        """
        while not call.has_news:
            if self._call.has_news:
                self._answer()
                raise TransportError(f"the daemon ended the build without an answer to {call.path}")
            waited = call.wait_with((call, self._call, self._status), self._patience())
            self._tell_all()
            if not waited:
                raise self._gave_up()
        message = call.receive(0)
        if message is None:
            raise TransportError("the daemon's answer is empty")
        return message

    def response_by(self, call: Call) -> dict[str, str]:
        """Follow the build to the end that another call gives it; return as `response` does.

        That call's own answer says nothing more, and may come after the build's, or not at all.

        Raises:
            CallError: that call was refused, or the build failed.
            SilentDaemonError: the daemon told nothing for too long.
            TransportError: the connection broke.
        """
        while not (self._call.has_news or call.has_news):
            waited = call.wait_with((call, self._call, self._status), self._patience())
            self._tell_all()
            if not waited:
                raise self._gave_up()
        if not self._call.has_news:
            call.receive(0)
        return self.response()

    def _answer(self) -> dict[str, str]:
        try:
            message = self._call.receive(self._patience())
        except CallTimeoutError:
            raise self._gave_up() from None
        except CallError:
            self._tell_rest()
            raise
        if message is None:
            raise TransportError("the daemon's answer is empty")
        return dict(read(SolveResponse.FromString, message).ExporterResponse)

    def _patience(self) -> float | None:
        """Return the seconds to wait for the next word."""
        limits = [] if self._idle_timeout is None else [self._idle_timeout]
        if self._is_stuck():
            limits.append(STUCK_SECONDS)
        if self._start_end is not None and not self._is_told:
            limits.append(max(0.0, self._start_end - time.monotonic()))
        return min(limits, default=None)

    def _is_stuck(self) -> bool:
        return self._has_failed and not self._open

    def _gave_up(self) -> TransportError:
        if self._start_timeout is not None and not self._is_told:
            return SilentDaemonError(f"the daemon did not begin within {self._start_timeout:g} s")
        if not self._is_stuck():
            return SilentDaemonError(f"the daemon has said nothing for {self._idle_timeout:g} s")
        return TransportError(
            "a step failed, and the daemon did not end the build: it was ended here"
        )

    def _tell_rest(self) -> None:
        """Tell what is still on its way. A build that was refused has no status to its end."""
        end = time.monotonic() + STATUS_SECONDS
        begun = time.monotonic() + FIRST_STATUS_SECONDS
        self._tell_all()
        while not self._status.is_over:
            left = (end if self._is_told else begun) - time.monotonic()
            if left <= 0:
                break
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
        self._is_told = True
        for vertex in response.vertexes:
            if vertex.HasField("completed"):
                self._open.discard(vertex.digest)
                self._has_failed = self._has_failed or bool(vertex.error)
            elif vertex.HasField("started"):
                self._open.add(vertex.digest)
