"""What goes wrong on purpose, of the next requests of one operation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..http.messages import ConnectionCutError, Response
from .models import ServiceError, error_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..http.messages import Request
    from .requests import Caller

FaultKind: TypeAlias = Literal[
    "throttle", "server_error", "deny", "expire", "cut", "lose_answer", "delay"
]
"""`cut` breaks the connection off before anything is done, `lose_answer` after it; `delay` waits
before it; the others are answers of the service."""

_ANSWERS = {
    "throttle": ("ThrottlingException", "Rate exceeded", 400),
    "server_error": ("InternalFailure", "said the double", 500),
    "deny": ("AccessDeniedException", "You are not authorized to do this", 400),
    "expire": ("ExpiredTokenException", "The security token is expired", 400),
}
_S3_ANSWERS = {
    "throttle": ("SlowDown", "Please reduce your request rate.", 503),
    "server_error": ("InternalError", "said the double", 500),
    "deny": ("AccessDenied", "Access Denied", 403),
    "expire": ("ExpiredToken", "The provided token has expired.", 400),
}


@dataclass(frozen=True)
class Fault:
    """A fault of requests.

    Attributes:
        operation: whose requests it hits, as in `StartBuild`.
        kind: what happens.
        times: how many of them.
        seconds: how long a `delay` takes.
        caller: whose they are.
    """

    operation: str
    kind: FaultKind
    times: int = 1
    seconds: float = 0.0
    caller: Caller = "client"

    def error(self) -> ServiceError | None:
        """Return what the service answers; `None` for a fault of the connection."""
        return ServiceError(*_ANSWERS[self.kind]) if self.kind in _ANSWERS else None

    def passed(self, request: Request, service: str, handle: Callable[[], Response]) -> Response:
        """Return the answer to a request that this fault hits.

        Args:
            request: the request.
            service: the service that it is for.
            handle: answers it, as if nothing went wrong.

        Raises:
            ConnectionCutError: the connection is to break off.
        """
        if service == "s3" and self.kind in _S3_ANSWERS:
            code, message, status = _S3_ANSWERS[self.kind]
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            content = b"" if request.method == "HEAD" else body.encode()
            return Response.of(status, {"Content-Type": "application/xml"}, content)
        error = self.error()
        if error is not None:
            is_cbor = request.headers.get("smithy-protocol") == "rpc-v2-cbor"
            return error_answer(error, is_cbor=is_cbor)
        if self.kind == "cut":
            raise ConnectionCutError
        if self.kind == "delay":
            threading.Event().wait(self.seconds)
        response = handle()
        if self.kind == "lose_answer":
            raise ConnectionCutError
        return response


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []
        self._lock = threading.Lock()

    def add(
        self,
        operation: str,
        kind: FaultKind,
        times: int = 1,
        *,
        seconds: float = 0.0,
        caller: Caller = "client",
    ) -> None:
        """Let the next requests of an operation go wrong; see `Fault`."""
        with self._lock:
            self._left.append((Fault(operation, kind, times, seconds, caller), times))

    def take(self, operation: str, caller: Caller = "client") -> Fault | None:
        """Return the fault that hits a request, if one does."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if (fault.operation, fault.caller) == (operation, caller):
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    def clear(self) -> None:
        """Let nothing more go wrong."""
        with self._lock:
            self._left.clear()

    @property
    def left(self) -> list[str]:
        """The operations whose faults nothing has met yet."""
        return [fault.operation for fault, _ in self._left]
