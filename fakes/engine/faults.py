"""Faults a test plans: errors, delays, cut streams, an engine that goes away."""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fakes.engine.errors import ApiError, StepError
from fakes.engine.http import DisconnectError, Request, Response, error_response


@dataclass
class Fault:
    """One planned fault.

    Attributes:
        endpoint: a method and a pattern for the path, as in `POST /build`.
        status: the status to answer with, with `message`.
        message: the error's words.
        delay: seconds to wait before the answer.
        cut_after: bytes of the answer's body after which the connection breaks.
        times: how often it happens; `None` for always.
        after: requests to let through before the first.
    """

    endpoint: str
    status: int | None = None
    message: str = ""
    delay: float = 0.0
    cut_after: int | None = None
    stream_error: str = ""
    times: int | None = 1
    after: int = 0

    def matches(self, request: Request) -> bool:
        """Whether it is meant for a request."""
        method, _, path = self.endpoint.rpartition(" ")
        return (not method or method == request.method) and fnmatch.fnmatchcase(request.path, path)


class FaultPlan:
    """The faults of one engine."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._step_failures: list[tuple[str, str, bool]] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Plan a fault."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def fail(
        self,
        endpoint: str,
        status: int = 500,
        message: str = "",
        *,
        times: int | None = 1,
        after: int = 0,
    ) -> Fault:
        """Answer with an error."""
        text = message or "fault planned by the test"
        return self.add(Fault(endpoint, status, text, times=times, after=after))

    def delay(
        self, endpoint: str, seconds: float, *, times: int | None = 1, after: int = 0
    ) -> Fault:
        """Answer late."""
        return self.add(Fault(endpoint, delay=seconds, times=times, after=after))

    def cut(
        self, endpoint: str, after_bytes: int = 0, *, times: int | None = 1, after: int = 0
    ) -> Fault:
        """Break the connection after so many bytes of the body."""
        return self.add(Fault(endpoint, cut_after=after_bytes, times=times, after=after))

    def deny_push(self, message: str = "", *, times: int | None = 1) -> Fault:
        """Answer a push with 200 and a refusal in the stream, as the engine does."""
        text = message or "denied: requested access to the resource is denied"
        return self.add(Fault("POST /images/*/push", stream_error=text, times=times))

    def die_at_step(self, keyword: str) -> None:
        """Break the connection of the next build when it reaches such an instruction."""
        with self._lock:
            self._step_failures.append((keyword.lower(), "", True))

    def no_space_at_step(self, keyword: str = "copy") -> None:
        """Let the next such instruction find the disk full."""
        message = "Error processing tar file(exit status 1): write /file: no space left on device"
        with self._lock:
            self._step_failures.append((keyword.lower(), message, False))

    def clear(self) -> None:
        """Forget every fault that has not happened."""
        with self._lock:
            self._faults.clear()
            self._step_failures.clear()

    # --- used by the engine ---------------------------------------------------

    def before_step(self, keyword: str) -> None:
        """Let a step fail if that is planned.

        Raises:
            StepError: with the planned words.
            DisconnectError: when the engine is to go away.
        """
        with self._lock:
            planned = next((f for f in self._step_failures if f[0] == keyword), None)
            if planned is None:
                return
            self._step_failures.remove(planned)
        if planned[2]:
            raise DisconnectError
        raise StepError(planned[1])

    def take(self, request: Request) -> Fault | None:
        """The fault for a request, counted."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(request):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    return None
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None


def apply_before(fault: Fault) -> Response | None:
    """The answer a fault gives instead of the engine's, if it gives one."""
    if fault.delay:
        time.sleep(fault.delay)
    if fault.status is not None:
        return error_response(fault.status, fault.message)
    return None


def apply_after(fault: Fault, response: Response) -> Response:
    """The engine's answer, cut."""
    if fault.cut_after is None:
        return response
    body = [response.body] if isinstance(response.body, bytes) else response.body
    return Response(response.status, _cut(body, fault.cut_after), response.headers)


def _cut(body: Iterable[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for piece in body:
        if len(piece) >= left:
            if left:
                yield piece[:left]
            raise DisconnectError
        left -= len(piece)
        yield piece
    raise DisconnectError


__all__ = ["ApiError", "Fault", "FaultPlan", "apply_after", "apply_before"]
