"""One call of a connection that lives, for the thread that makes or serves it.

It is longer than other modules: both sides of a call, its thread's and the connection's, share
one state under one lock.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from imagebuilders.buildkit.transport.errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    TransportError,
)
from imagebuilders.buildkit.transport.guard import Bell, ProcessGuard, wait_for
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus

if TYPE_CHECKING:
    from imagebuilders.buildkit.transport.calls import CallMachine

QUEUED_BYTES = 1024 * 1024
"""A sender waits while so much of its call is queued."""

Handler: TypeAlias = "Callable[[Call], None]"
"""Serves one call of the peer, in a thread of its own; raising `CallError` ends it with that."""

Answer: TypeAlias = Callable[[bytes], bytes]
"""Answers a unary call at once, in the thread of the byte stream."""


class Carrier(Protocol):
    """What a call asks of the connection that carries it."""

    @property
    def guard(self) -> ProcessGuard:
        """The lock of the connection and its calls."""
        ...

    @property
    def machine(self) -> CallMachine:
        """The state of all calls."""
        ...

    @property
    def wake(self) -> Callable[[], None]:
        """Has what is to be sent sent."""
        ...

    @property
    def crowded(self) -> set[Call]:
        """The calls whose senders wait for room."""
        ...

    def broken(self) -> TransportError | None:
        """Return an error of one's own that tells why the connection broke; `None` if it lives."""
        ...

    def forget(self, call: Call) -> None:
        """Drop a call that is over."""
        ...


class Call:
    """One call, of ours or of the peer's. What waits can be interrupted by Ctrl-C."""

    def __init__(self, link: Carrier, number: int, path: str, metadata: Metadata = ()) -> None:
        self.path = path
        self.metadata = metadata
        """The caller's headers."""
        self.number = number
        self._link = link
        self._inbox: deque[bytes] = deque()
        self._is_complete = False
        self._is_read = False
        self._status: RpcStatus | None = None
        self._answer: Metadata = ()
        self._bell = Bell()
        self._listener: Callable[[], None] | None = None

    # --- what is known of it -------------------------------------------------

    def values(self, name: str) -> list[str]:
        """Return all values of one of the caller's headers."""
        return [value for key, value in self.metadata if key == name]

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes: the caller is done, or the call is over."""
        with self._link.guard.lock:
            return self._is_complete and not self._inbox

    @property
    def status(self) -> RpcStatus | None:
        """How the call ended; `None` while it goes on."""
        with self._link.guard.lock:
            return self._status

    @property
    def answer(self) -> Metadata:
        """The headers of the answer, once they have come (client role)."""
        with self._link.guard.lock:
            return self._answer

    @property
    def has_news(self) -> bool:
        """Whether `receive` would not wait."""
        with self._link.guard.lock:
            return self._has_news()

    # --- waiting -------------------------------------------------------------

    def wait_with(self, calls: Iterable[Call], timeout: float | None = None) -> bool:
        """Wait until one of some calls of this channel has news; return whether one has.

        A call that is over and was read to its end has no news any more.

        Args:
            calls: the calls.
            timeout: seconds to wait; for ever by default.
        """
        watched = list(calls)

        def has_news() -> bool:
            return any(call._inbox or (call._is_complete and not call._is_read) for call in watched)

        return wait_for(self._link.guard, [call._bell for call in watched], has_news, timeout)

    def wait_until_over(self, timeout: float | None = None) -> bool:
        """Wait until the call has ended, or the peer broke it off; return whether it has."""
        return wait_for(self._link.guard, [self._bell], lambda: self._status is not None, timeout)

    def watch(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever there is news.

        It is called with the connection's lock held, by whichever thread brings the news: it must
        neither wait nor close the connection.
        """
        with self._link.guard.lock:
            self._listener = listener
            if self._has_news():
                listener()

    # --- sending -------------------------------------------------------------

    def send(self, message: bytes, *, last: bool = False) -> None:
        """Send a message; waits while much of this call is queued.

        Args:
            message: the message, serialized.
            last: whether this side sends no more (client role).

        Raises:
            CallError: the call ended with another status than OK.
            CallCancelledError: it is over, or was broken off.
            TransportError: the connection broke.
        """
        self._wait_for_room()
        with self._link.guard.lock:
            self._check()
            self._link.machine.send(self.number, message, last=last)
            self._link.wake()

    def send_all(self, messages: Sequence[bytes]) -> None:
        """Send many small messages at the cost of one; waits and raises as `send` does."""
        self._wait_for_room()
        with self._link.guard.lock:
            self._check()
            self._link.machine.send_all(self.number, messages)
            self._link.wake()

    def half_close(self) -> None:
        """Say that this side sends no more (client role). Without effect after the end."""
        with self._link.guard.lock:
            if self._status is None:
                self._link.machine.half_close(self.number)
                self._link.wake()

    def send_headers(self, metadata: Metadata = ()) -> None:
        """Send the headers of the answer before its first message (server role)."""
        with self._link.guard.lock:
            self._link.machine.answer(self.number, metadata)
            self._link.wake()

    def cancel(self) -> None:
        """Break the call off. Without effect after the end."""
        with self._link.guard.lock:
            if self._status is None:
                self._link.machine.cancel(self.number)
                self.end(RpcStatus(Code.CANCELLED, "cancelled here"))
                self._link.wake()

    def finish(self, status: RpcStatus | None = None) -> None:
        """End a call of the peer's. Without effect after the end."""
        with self._link.guard.lock:
            if self._status is None:
                self._link.machine.finish(self.number, status)
                self.end(status or RpcStatus())
                self._link.wake()

    # --- receiving -----------------------------------------------------------

    def receive(self, timeout: float | None = None) -> bytes | None:
        """Return the peer's next message; `None` when it sends no more.

        Args:
            timeout: seconds to wait; for ever by default.

        Raises:
            CallError: the call ended with another status than OK.
            TransportError: the connection broke.
            CallTimeoutError: nothing came in time.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not wait_for(self._link.guard, [self._bell], self._has_news, left):
                raise CallTimeoutError(f"the daemon did not answer {self.path} in {timeout:g} s")
            with self._link.guard.lock:
                if self._has_news():  # no other thread has taken it meanwhile
                    return self.take()

    def receive_now(self) -> bytes | None:
        """Return a message that has come; `None` when none waits or comes any more.

        Raises:
            CallError: the call ended with another status than OK.
            TransportError: the connection broke.
        """
        with self._link.guard.lock:
            return self.take() if self._has_news() else None

    # --- for the link, with its lock held ------------------------------------

    def deliver(self, message: bytes) -> None:
        """Put a message of the peer's into the queue."""
        self._inbox.append(message)
        self._tell()

    def deliver_headers(self, metadata: Metadata) -> None:
        """Keep the headers of the answer."""
        self._answer = metadata

    def complete(self) -> None:
        """Note that the peer sends no more."""
        self._is_complete = True
        self._tell()

    def end(self, status: RpcStatus) -> None:
        """Note that the call is over."""
        if self._status is None:
            self._status = status
        self._is_complete = True
        self._link.forget(self)
        self._tell()

    def take(self) -> bytes | None:
        """Take a message out of the queue, or the end, one of which is there."""
        if self._inbox:
            message = self._inbox.popleft()
            self._link.machine.used(self.number)
            self._link.wake()
            return message
        self._is_read = True
        if self._status is not None and self._status.code != Code.OK:
            raise self._link.broken() or CallError(self._status)
        return None

    @property
    def has_messages(self) -> bool:
        """Whether messages wait in the queue."""
        return bool(self._inbox)

    def room_made(self) -> None:
        """Let a sender go on."""
        self._bell.ring()

    def _tell(self) -> None:
        self._bell.ring()
        if self._listener is not None:
            self._listener()

    def _has_news(self) -> bool:
        return bool(self._inbox) or self._is_complete

    def _wait_for_room(self) -> None:
        wait_for(self._link.guard, [self._bell], self._has_room)

    def _has_room(self) -> bool:
        link = self._link
        if self._status is None and link.machine.queued(self.number) > QUEUED_BYTES:
            link.crowded.add(self)
            return False
        return True

    def _check(self) -> None:
        """See whether anything can be sent.

        Raises:
            TransportError: the call is over, or the connection.
        """
        if self._status is None:
            return
        if self._status.code not in (Code.OK, Code.CANCELLED):
            raise self._link.broken() or CallError(self._status)
        raise self._link.broken() or CallCancelledError(
            f"{self.path} is over: {self._status.name} {self._status.message}".rstrip()
        )
