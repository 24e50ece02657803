"""What builds that run side by side have in common: connections, sessions, turns.

Within the block of `Shared.as_current`, what one build opens is lent to the others too, and stays
open until the last has ended. Elsewhere each build opens its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

from imagebuilders.lazy_dataclass import dataclass

ResourceT = TypeVar("ResourceT")


class Shared:
    """What is lent to several builds. For several threads; to be closed when all have ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[Hashable, threading.Lock] = {}
        self._lent: dict[Hashable, object] = {}
        self._open = ExitStack()
        self._is_closed = False
        self.results: dict[str, object] = {}
        """What builds leave for those that need them, by the names of the builds."""
        self.ends: dict[str, str] = {}
        """What stands for the last step of builds that were explained, by their names."""

    def get(
        self, key: Hashable, make: Callable[[], AbstractContextManager[ResourceT]]
    ) -> ResourceT:
        """Return what is lent under a key; whoever comes first opens it.

        Args:
            key: stands for the resource.
            make: makes what opens it; what it raises is raised here, and the next caller tries
                again.
        """
        with self.turn(("open", key)):
            if key not in self._lent:
                # Whoever waits for this lock has to wait for nothing else.
                opening = make()
                resource = opening.__enter__()
                with self._lock:
                    is_late = self._is_closed
                    if not is_late:
                        self._open.push(opening)
                if is_late:
                    opening.__exit__(None, None, None)
                    raise RuntimeError("the builds have ended")
                self._lent[key] = resource
            return cast("ResourceT", self._lent[key])

    @contextmanager
    def turn(self, key: Hashable) -> Iterator[None]:
        """Let one build after another do what is in the block."""
        with self._lock:
            lock = self._turns.setdefault(key, threading.Lock())
        with lock:
            yield

    def close(self) -> None:
        """Close everything that was opened, the last first."""
        with self._lock:
            self._is_closed = True
        self._open.close()

    @contextmanager
    def as_current(self, name: str = "", *, is_needed: bool = False) -> Iterator[None]:
        """Let the build of the block, in its context, share.

        Args:
            name: what the build is called.
            is_needed: whether others need its result.
        """
        token = _current.set(SharingBuild(self, name, is_needed))
        try:
            yield
        finally:
            _current.reset(token)


@dataclass(frozen=True)
class SharingBuild:
    """A build that shares with others.

    Attributes:
        shared: what they share.
        name: what the build is called.
        is_needed: whether others need its result.
    """

    shared: Shared
    name: str
    is_needed: bool


_current: ContextVar[SharingBuild | None] = ContextVar("imagebuilders_sharing", default=None)


def sharing_build() -> SharingBuild | None:
    """Return the build of this context among those that share; `None` for one by itself."""
    return _current.get()


@contextmanager
def lent(
    key: Hashable, make: Callable[[], AbstractContextManager[ResourceT]]
) -> Iterator[ResourceT]:
    """Lend what is shared under a key, or what is opened for this block alone.

    Args:
        key: stands for the resource among builds that share.
        make: makes what opens it.
    """
    sharing = _current.get()
    if sharing is not None:
        yield sharing.shared.get(key, make)
        return
    with make() as resource:
        yield resource


@contextmanager
def in_turn(key: Hashable) -> Iterator[None]:
    """Let builds that share do the block one after another."""
    sharing = _current.get()
    if sharing is None:
        yield
        return
    with sharing.shared.turn(key):
        yield
