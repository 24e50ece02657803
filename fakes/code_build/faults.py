"""What goes wrong on purpose, of the next requests of one operation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .models import ServiceError

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


@dataclass(frozen=True)
class Fault:
    """A fault of requests.

    Attributes:
        operation: whose requests it hits, as in `StartBuild`.
        kind: what happens.
        times: how many of them.
        seconds: how long a `delay` takes.
    """

    operation: str
    kind: FaultKind
    times: int = 1
    seconds: float = 0.0

    def error(self) -> ServiceError | None:
        """Return what the service answers; `None` for a fault of the connection."""
        return ServiceError(*_ANSWERS[self.kind]) if self.kind in _ANSWERS else None


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []
        self._lock = threading.Lock()

    def add(self, operation: str, kind: FaultKind, times: int = 1, *, seconds: float = 0.0) -> None:
        """Let the next requests of an operation go wrong; see `Fault`."""
        with self._lock:
            self._left.append((Fault(operation, kind, times, seconds), times))

    def take(self, operation: str) -> Fault | None:
        """Return the fault that hits a request, if one does."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if fault.operation == operation:
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    @property
    def left(self) -> list[str]:
        """The operations whose faults nothing has met yet."""
        return [fault.operation for fault, _ in self._left]
