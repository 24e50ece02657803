"""Faults of the calls that a daemon makes of a client's session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .faults import UNREADABLE, Fault, wait

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.call import Call

    from .faults import Faults

_BROKEN = RpcStatus(Code.UNKNOWN, "a fault asked for by the test")


class SessionFaults:
    """What goes wrong with the calls of one session.

    Args:
        faults: what is planned; without any, nothing goes wrong.
        session: the session's ID.
        end: ends the session.
        is_over: whether it is at its end.
    """

    def __init__(
        self,
        faults: Faults | None,
        session: str,
        end: Callable[[], None],
        is_over: Callable[[], bool],
    ) -> None:
        self._faults = faults
        self._session = session
        self._end = end
        self._is_over = is_over

    def of(self, path: str) -> list[Fault]:
        """Return the faults that happen to a call now; counts.

        Raises:
            CallError: one ends the call before it begins.
        """
        faults = self._faults
        if faults is None or not len(faults):
            return []
        found = faults.happening(lambda fault: fault.call != "*" and fault.applies_to(path))
        for fault in found:
            if fault.dropped or fault.kind == "miss_health":
                self._end()
            if fault.dropped or fault.kind in ("miss_health", "lose_session"):
                raise CallError(self._not_active())
            if fault.status is not None:
                raise CallError(fault.status)
        return found

    def begin(self, found: Iterable[Fault], call: Call) -> None:
        """Let faults happen to a call that has begun.

        Raises:
            CallError: one ends it.
        """
        for fault in found:
            wait(fault.delay, lambda: self._is_over() or call.status is not None)
            if fault.kind == "malform":
                call.send(UNREADABLE)
            elif fault.kind == "reset":
                call.cancel()
                raise CallError(_BROKEN)

    def _not_active(self) -> RpcStatus:
        words = f"no active session for {self._session}: context deadline exceeded"
        return RpcStatus(Code.DEADLINE_EXCEEDED, words)


def planned(found: Iterable[Fault], kind: str) -> Fault | None:
    """Return the fault of a kind, if there is one."""
    return next((fault for fault in found if fault.kind == kind), None)


def broken_export(fault: Fault | None, sent: int) -> None:
    """Break an export off that a fault is for, once so much of it was sent.

    Raises:
        CallError: it is broken off.
    """
    if fault is not None and sent >= fault.after_bytes:
        raise CallError(_BROKEN)


def noted(fault: Fault, ask: Callable[[], Iterable[object]]) -> None:
    """Ask what a fault is about, and note what was answered."""
    with suppress(TransportError):
        fault.answers += ask()
