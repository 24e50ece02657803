"""Faults of a BuildKit daemon: calls that fail, wait, or take their connection along."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from imagebuilders.buildkit.transport.call import Call, Handler
from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus

from .. import faults
from ..checks import check_count, check_pattern, check_seconds, check_text

_LOOK_SECONDS = 0.01


@dataclass
class Fault(faults.Fault):
    """One planned fault.

    Attributes:
        call: a shell pattern for the call's name, as in `Solve`, or for its whole path.
        status: what it ends with.
        delay: seconds to wait before it is served, or until the client gives up.
        dropped: the connection breaks.
    """

    call: str
    status: RpcStatus | None = None
    delay: float = 0.0
    dropped: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether no other fault can happen to the same call after it."""
        return self.dropped or self.status is not None

    def applies_to(self, path: str) -> bool:
        """Whether it is for a call."""
        return any(fnmatchcase(name, self.call) for name in (path, path.rpartition("/")[2]))


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
        """Let a call wait before it is served."""
        check_seconds("seconds", seconds)
        return self.add(Fault(call, delay=seconds, times=times, skip=skip))

    def drop(self, call: str = "*", *, times: int | None = 1, skip: int = 0) -> Fault:
        """Break the connection when a call comes."""
        return self.add(Fault(call, dropped=True, times=times, skip=skip))

    def add(self, fault: Fault) -> Fault:
        """Plan a fault.

        Raises:
            TypeError: something in it is of a wrong type.
            ValueError: it could never happen.
        """
        check_pattern("call", fault.call)
        return super().add(fault)

    def over(self, handler: Handler, cut: Callable[[], None]) -> Handler:
        """Return what serves a call as a handler does, but for the faults.

        Args:
            handler: serves the call.
            cut: breaks the connection.
        """

        def serve(call: Call) -> None:
            for fault in self.happening(lambda fault: fault.applies_to(call.path)):
                _wait(fault.delay, call)
                if fault.dropped:
                    cut()
                    raise CallError(RpcStatus(Code.UNAVAILABLE, "the connection was cut"))
                if fault.status is not None:
                    raise CallError(fault.status)
            handler(call)

        return serve


def _wait(seconds: float, call: Call) -> None:
    """Wait in short pieces, which no time that a test freezes makes longer."""
    left = seconds
    while left > 0 and call.status is None:
        time.sleep(min(left, _LOOK_SECONDS))
        left -= _LOOK_SECONDS
