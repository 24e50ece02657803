"""A lock that a forked child cannot take."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import TransportError

if TYPE_CHECKING:
    from types import TracebackType


class ProcessGuard:
    """A lock that belongs to one process: a child that was forked from it is refused.

    The child has not the threads of the connection, and the lock may be held in it for ever.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._owner = os.getpid()

    @property
    def is_owner(self) -> bool:
        """Whether this is the process that made the connection."""
        return os.getpid() == self._owner

    def __enter__(self) -> None:
        if not self.is_owner:
            raise TransportError(
                "the connection belongs to the process that this one was forked from; make one here"
            )
        self.lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.lock.release()
