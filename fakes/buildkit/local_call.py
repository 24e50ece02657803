"""A build that no call of HTTP/2 asked for, as by an engine's own API: it can be broken off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from imagebuilders.buildkit.transport.status import Code, RpcStatus

CANCELLED = RpcStatus(Code.CANCELLED, "context canceled")


class Cancellable(Protocol):
    """What a build knows of whoever asked for it."""

    @property
    def status(self) -> RpcStatus | None:
        """How it ended; `None` while it is wanted."""
        ...

    def watch(self, listener: Callable[[], None]) -> None:
        """Call a function now, and whenever something changes."""
        ...

    def wait_until_over(self, timeout: float | None = None) -> bool:
        """Wait until it is no longer wanted; return whether that is so."""
        ...


class LocalCall:
    """Asks for a build in this process."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def status(self) -> RpcStatus | None:
        """How it ended; `None` while it is wanted."""
        return CANCELLED if self._over.is_set() else None

    def watch(self, listener: Callable[[], None]) -> None:
        """Call a function now, and once the build is broken off."""
        with self._lock:
            self._listeners.append(listener)
        listener()

    def wait_until_over(self, timeout: float | None = None) -> bool:
        """Wait until the build is broken off; return whether it is."""
        return self._over.wait(timeout)

    def cancel(self) -> None:
        """Break the build off."""
        self._over.set()
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
