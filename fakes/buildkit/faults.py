"""Faults of a BuildKit daemon: of the calls that it serves, and of those that it makes.

A pattern for calls is for both: for those that clients make, as `Solve`, and, unless it is `*`, for
those that the daemon makes of their sessions, as `DiffCopy` or `GetSecret`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .. import faults
from ..checks import check_count, check_pattern, check_seconds, check_text

_LOOK_SECONDS = 0.01
_LONGEST_SECONDS = 60.0
_GARBAGE = b"\xff" * 64
UNREADABLE = b"\xff\xff\xff\xff"
"""What no message begins with."""

SYNC = "/moby.filesync.v1.FileSync/DiffCopy"
SEND = "/moby.filesync.v1.FileSend/DiffCopy"


class Breakable(Protocol):
    """A connection that faults break."""

    def cut(self) -> None:
        """Break it."""
        ...

    def send_raw(self, data: bytes) -> None:
        """Send bytes past HTTP/2."""
        ...


@dataclass
class Fault(faults.Fault):
    """One planned fault.

    Attributes:
        call: a shell pattern for the call's name, as in `Solve`, or for its whole path.
        status: what it ends with.
        delay: seconds to wait before it is served, or until the client gives up.
        dropped: the connection, or the session, breaks.
        kind: what else happens, as the method that planned it is called.
        value: the path or host that is asked for, or the path that is sent.
        after_bytes: so many bytes of an export come first.
        answers: what the client answered to what it was asked for.
    """

    call: str
    status: RpcStatus | None = None
    delay: float = 0.0
    dropped: bool = False
    kind: str = ""
    value: str = ""
    after_bytes: int = 0
    answers: list[object] = field(default_factory=list)

    @property
    def is_answer(self) -> bool:
        """Whether no other fault can happen to the same call after it."""
        return self.dropped or self.status is not None or self.kind in _ENDS

    def applies_to(self, path: str) -> bool:
        """Whether it is for a call."""
        return any(fnmatchcase(name, self.call) for name in (path, path.rpartition("/")[2]))


_ENDS = frozenset({"reset", "go_away", "garble", "malform", "lose_session", "miss_health"})
_OF_SESSIONS = frozenset(
    {"lose_session", "miss_health", "ask_path", "ask_credentials", "send_path", "break_export"}
)


class Faults(faults.Faults[Fault]):
    """The faults of one daemon. Each method plans one and returns it.

    All of them take `times` and `skip` as the faults of all doubles do, and raise TypeError or
    ValueError for what could never happen.
    """

    def fail(
        self,
        call: str = "*",
        message: str = "",
        *,
        code: int = Code.UNAVAILABLE,
        times: int | None = 1,
        skip: int = 0,
    ) -> Fault:
        """End a call with a status.

        Args:
            call: a shell pattern for the call's name, as in `Solve`.
            message: the daemon's words.
            code: the status code, 1 to 16.
            times: how often; `None` for always.
            skip: how many such calls are let through first.
        """
        check_text("message", message)
        check_count("code", int(code), least=1, most=16)
        status = RpcStatus(code, message or "a fault asked for by the test")
        return self.add(Fault(call, status, times=times, skip=skip))

    def delay(self, call: str, seconds: float, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Let a call wait before it is served, or before anything that comes is read of it.

        What a client sends meanwhile fills the window of the call, and then waits.
        """
        check_seconds("seconds", seconds)
        return self.add(Fault(call, delay=seconds, times=times, skip=skip))

    def drop(self, call: str = "*", *, times: int | None = 1, skip: int = 0) -> Fault:
        """Break the connection when a call comes, or the session when it is to be called."""
        return self.add(Fault(call, dropped=True, times=times, skip=skip))

    # --- HTTP/2 ----------------------------------------------------------------

    def reset(self, call: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Reset the stream of a call (RST_STREAM)."""
        return self.add(Fault(call, kind="reset", times=times, skip=skip))

    def go_away(self, call: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Send GOAWAY when a call comes, which says that it was not served."""
        return self.add(Fault(call, kind="go_away", times=times, skip=skip))

    def garble(self, call: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Send bytes that are no frame of HTTP/2 when a call comes."""
        return self.add(Fault(call, kind="garble", times=times, skip=skip))

    def malform(self, call: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Send bytes that are no message: as the answer to a call, or to the session in one."""
        return self.add(Fault(call, kind="malform", times=times, skip=skip))

    # --- sessions --------------------------------------------------------------

    def lose_session(
        self, call: str = "DiffCopy", *, times: int | None = 1, skip: int = 0
    ) -> Fault:
        """Have no active session when it is to be called; the session itself lives on."""
        return self.add(Fault(call, kind="lose_session", times=times, skip=skip))

    def miss_health(self, call: str = "DiffCopy", *, times: int | None = 1, skip: int = 0) -> Fault:
        """End the session when it is to be called, as after two health checks without an answer."""
        return self.add(Fault(call, kind="miss_health", times=times, skip=skip))

    def ask_path(self, path: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Ask for a path of the client's folder once more, such as one outside of it.

        The fault's `answers` are the paths that were sent.
        """
        check_text("path", path)
        return self.add(Fault(SYNC, kind="ask_path", value=path, times=times, skip=skip))

    def ask_credentials(self, host: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Ask who to be at a host that the build has nothing to do with.

        The fault's `answers` are the user names and secrets that were told.
        """
        check_text("host", host)
        return self.add(Fault(SYNC, kind="ask_credentials", value=host, times=times, skip=skip))

    def send_path(self, path: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Send a file with a path such as `../evil` with an exported folder."""
        check_text("path", path)
        return self.add(Fault(SEND, kind="send_path", value=path, times=times, skip=skip))

    def break_export(self, *, after_bytes: int = 0, times: int | None = 1, skip: int = 0) -> Fault:
        """Fail while a result is sent to the client.

        Args:
            after_bytes: so much of an archive comes first; of a folder, what is in it is told.
            times: how often; `None` for always.
            skip: how many exports are let through first.
        """
        check_count("after_bytes", after_bytes)
        return self.add(
            Fault(SEND, kind="break_export", after_bytes=after_bytes, times=times, skip=skip)
        )

    # --- for the daemon --------------------------------------------------------

    def add(self, fault: Fault) -> Fault:
        """Plan a fault.

        Raises:
            TypeError: something in it is of a wrong type.
            ValueError: it could never happen.
        """
        check_pattern("call", fault.call)
        return super().add(fault)

    def over(self, handler: Handler, connection: Breakable) -> Handler:
        """Return what serves a client's call as a handler does, but for the faults.

        Args:
            handler: serves the call.
            connection: the client's.
        """

        def serve(call: Call) -> None:
            for fault in self.happening(lambda fault: _is_served(fault, call.path)):
                wait(fault.delay, lambda: call.status is not None)
                if fault.dropped:
                    connection.cut()
                    raise CallError(RpcStatus(Code.UNAVAILABLE, "the connection was cut"))
                if fault.status is not None:
                    raise CallError(fault.status)
                if fault.kind:
                    _break(fault.kind, call, connection)
                    return
            handler(call)

        return serve


def _is_served(fault: Fault, path: str) -> bool:
    return fault.kind not in _OF_SESSIONS and fault.applies_to(path)


def _break(kind: str, call: Call, connection: Breakable) -> None:
    if kind == "reset":
        call.cancel()
    elif kind == "malform":
        call.send(UNREADABLE)
    elif kind == "go_away":
        connection.send_raw(_going_away())
        wait(_LONGEST_SECONDS, lambda: call.status is not None)
    else:
        connection.send_raw(_GARBAGE)
        wait(_LONGEST_SECONDS, lambda: call.status is not None)


def _going_away() -> bytes:
    """Return the frame GOAWAY that says that no call was served (RFC 9113, section 6.8)."""
    payload = bytes(8)
    return len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload


def wait(seconds: float, is_over: Callable[[], bool]) -> None:
    """Wait in short pieces, which no time that a test freezes makes longer."""
    left = seconds
    while left > 0 and not is_over():
        time.sleep(min(left, _LOOK_SECONDS))
        left -= _LOOK_SECONDS
