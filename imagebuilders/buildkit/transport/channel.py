"""A connection that lives: one thread owns its byte stream; calls are made and served on it.

The thread waits for the byte stream alone, so a health check is answered at once whatever else
goes on. Everything that may take time (a file that is read, a helper that is asked) happens in
the thread that made the call, or in one of its own for each call that the peer makes.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeAlias

from imagebuilders.buildkit.transport import calls
from imagebuilders.buildkit.transport.calls import CallMachine
from imagebuilders.buildkit.transport.errors import (
    CallCancelledError,
    CallError,
    ProtocolError,
    TransportError,
)
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus
from imagebuilders.buildkit.transport.stream import NonBlockingStream

QUEUED_BYTES = 1024 * 1024
"""A sender waits while so much of its call is queued."""

CLOSING_SECONDS = 2.0
"""So long the last words may take when a channel is closed."""

Handler: TypeAlias = "Callable[[Call], None]"
"""Serves one call of the peer, in a thread of its own; raising `CallError` ends it with that."""

Answer: TypeAlias = Callable[[bytes], bytes]
"""Answers a unary call at once, in the thread of the byte stream."""


class Call:
    """One call, of ours or of the peer's, for the thread that uses it."""

    def __init__(self, link: Link, number: int, path: str, metadata: Metadata = ()) -> None:
        self.path = path
        self.metadata = metadata
        """The caller's headers."""
        self._link = link
        self._number = number
        self._inbox: deque[bytes] = deque()
        self._is_complete = False
        self._is_read = False
        self._status: RpcStatus | None = None
        self._answer: Metadata = ()
        self._listener: Callable[[], None] | None = None

    # --- for the thread that uses it -----------------------------------------

    def values(self, name: str) -> list[str]:
        """Return all values of one of the caller's headers."""
        return [value for key, value in self.metadata if key == name]

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes: the caller is done, or the call is over."""
        with self._link.changed:
            return self._is_complete and not self._inbox

    @property
    def has_news(self) -> bool:
        """Whether `receive` would not wait."""
        with self._link.changed:
            return self._has_news()

    def wait_with(self, calls: Iterable[Call], timeout: float | None = None) -> bool:
        """Wait until one of some calls of this channel has news; return whether one has.

        A call that is over and was read to its end has no news any more.

        Args:
            calls: the calls.
            timeout: seconds to wait; for ever by default.
        """
        watched = list(calls)

        def news() -> bool:
            return any(call._inbox or (call._is_complete and not call._is_read) for call in watched)

        with self._link.changed:
            return self._link.changed.wait_for(news, timeout)

    def send(self, message: bytes, *, last: bool = False) -> None:
        """Send a message; waits while much of this call is queued.

        Args:
            message: the message, serialized.
            last: whether this side sends no more (client role).

        Raises:
            CallCancelledError: the call is over.
            TransportError: the connection broke.
        """
        with self._link.changed:
            self._wait_for_room()
            self._link.machine.send(self._number, message, last=last)
        self._link.wake()

    def send_all(self, messages: Sequence[bytes]) -> None:
        """Send many small messages at the cost of one; waits and raises as `send` does."""
        with self._link.changed:
            self._wait_for_room()
            self._link.machine.send_all(self._number, messages)
        self._link.wake()

    def half_close(self) -> None:
        """Say that this side sends no more (client role). Without effect after the end."""
        with self._link.changed:
            if self._status is None:
                self._link.machine.half_close(self._number)
        self._link.wake()

    def receive(self, timeout: float | None = None) -> bytes | None:
        """Return the peer's next message; `None` when it sends no more.

        Args:
            timeout: seconds to wait; for ever by default.

        Raises:
            CallError: the call ended with another status than OK.
            TransportError: the connection broke.
            TimeoutError: nothing came in time.
        """
        changed = self._link.changed
        with changed:
            if not changed.wait_for(self._has_news, timeout):
                raise TimeoutError(f"no message of {self.path} within {timeout:g} s")
            found = self._take()
        self._link.wake()
        return found

    def receive_now(self) -> bytes | None:
        """Return a message that has come; `None` when none waits or comes any more.

        Raises:
            CallError: the call ended with another status than OK.
            TransportError: the connection broke.
        """
        with self._link.changed:
            found = self._take() if self._has_news() else None
        self._link.wake()
        return found

    def watch(self, listener: Callable[[], None]) -> None:
        """Have a function called, in the byte stream's thread, whenever there is news."""
        with self._link.changed:
            self._listener = listener
            if self._has_news():
                listener()

    def cancel(self) -> None:
        """Break the call off. Without effect after the end."""
        with self._link.changed:
            if self._status is None:
                self._link.machine.cancel(self._number)
                self._end(RpcStatus(Code.CANCELLED, "cancelled here"))
                self._link.changed.notify_all()
        self._link.wake()

    def finish(self, status: RpcStatus | None = None) -> None:
        """End a call of the peer's. Without effect after the end."""
        with self._link.changed:
            if self._status is None:
                self._link.machine.finish(self._number, status)
                self._end(status or RpcStatus())
        self._link.wake()

    # --- for the link, with its lock held ------------------------------------

    def _deliver(self, message: bytes) -> None:
        self._inbox.append(message)
        self._news()

    def _complete(self) -> None:
        self._is_complete = True
        self._news()

    def _end(self, status: RpcStatus) -> None:
        if self._status is None:
            self._status = status
        self._is_complete = True
        self._link.forget(self._number)
        self._news()

    def _news(self) -> None:
        if self._listener is not None:
            self._listener()

    def _has_news(self) -> bool:
        return bool(self._inbox) or self._is_complete

    def _take(self) -> bytes | None:
        if self._inbox:
            message = self._inbox.popleft()
            self._link.machine.used(self._number, len(message))
            return message
        self._is_read = True
        if self._status is not None and self._status.code != Code.OK:
            raise self._link.failure or CallError(self._status)
        return None

    def _wait_for_room(self) -> None:
        link = self._link
        while link.machine.queued(self._number) > QUEUED_BYTES and self._status is None:
            link.changed.wait()
        if self._status is not None:
            raise self._link.failure or CallCancelledError(
                f"{self.path} is over: {self._status.name} {self._status.message}".rstrip()
            )


class Link:
    """The calls of one HTTP/2 connection, whichever bytes carry it.

    Its state, and that of its calls, is guarded by `changed`; the links of a channel share it.
    """

    def __init__(
        self,
        role: Role,
        changed: threading.Condition,
        wake: Callable[[], None],
        *,
        handlers: Mapping[str, Handler] | None = None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        self.machine = CallMachine(role)
        self.changed = changed
        self.wake = wake
        self.failure: TransportError | None = None
        self._handlers = dict(handlers or {})
        self._answers = dict(answers or {})
        self._open: dict[int, Call] = {}
        self._threads: list[threading.Thread] = []

    def call(self, path: str, metadata: Metadata = ()) -> Call:
        """Begin a call.

        Raises:
            TransportError: the connection broke, or takes no more calls.
        """
        with self.changed:
            self.changed.wait_for(
                lambda: self.failure or self.machine.may_call or self.machine.goes_away
            )
            if self.failure is not None:
                raise self.failure
            number = self.machine.call(path, metadata)
            call = self._open[number] = Call(self, number, path, metadata)
        self.wake()
        return call

    # --- with the lock held --------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer.

        Raises:
            ProtocolError: they break the protocol.
        """
        for event in self.machine.receive(data):
            self._dispatch(event)
        self.changed.notify_all()

    def fail(self, error: TransportError) -> None:
        """End all calls: nothing comes or goes any more."""
        if self.failure is None:
            self.failure = error
        for call in list(self._open.values()):
            call._end(RpcStatus(Code.UNAVAILABLE, str(error)))
        self.changed.notify_all()

    def forget(self, number: int) -> None:
        """Drop a call that is over."""
        self._open.pop(number, None)

    def threads(self) -> list[threading.Thread]:
        """Return the threads that serve calls of the peer."""
        return list(self._threads)

    # --- inside --------------------------------------------------------------

    def _dispatch(self, event: calls.CallEvent) -> None:
        if isinstance(event, calls.CallOpened):
            self._serve(event)
            return
        call = self._open.get(event.call)
        if call is None:
            if isinstance(event, calls.MessageReceived):
                self.machine.used(event.call, len(event.message))
            return
        match event:
            case calls.MessageReceived():
                call._deliver(event.message)
            case calls.MetadataReceived():
                call._answer = event.metadata
            case calls.PeerHalfClosed():
                call._complete()
            case calls.CallFinished():
                call._end(event.status)

    def _serve(self, event: calls.CallOpened) -> None:
        call = Call(self, event.call, event.path, event.metadata)
        self._open[event.call] = call
        answer = self._answers.get(event.path)
        if answer is not None:
            call._listener = lambda: self._answer_at_once(call, answer)
            return
        handler = self._handlers.get(event.path)
        if handler is None:
            self.machine.finish(
                event.call, RpcStatus(Code.UNIMPLEMENTED, f"unknown method {event.path}")
            )
            call._end(RpcStatus(Code.UNIMPLEMENTED))
            return
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=_run_handler, args=(handler, call), name=f"imagebuilders {event.path}"
        )
        thread.daemon = True
        self._threads.append(thread)
        thread.start()

    def _answer_at_once(self, call: Call, answer: Answer) -> None:
        if not call._inbox or call._status is not None:
            return
        call._listener = None
        message = call._take()
        self.machine.send(call._number, answer(message or b""))
        self.machine.finish(call._number)
        call._end(RpcStatus())


def _run_handler(handler: Handler, call: Call) -> None:
    try:
        handler(call)
    except CallError as error:
        call.finish(error.status)
    except TransportError:
        pass  # the call is over, or the connection: nobody is there to be told
    except Exception as error:  # the peer is told, and goes on without an answer
        call.finish(RpcStatus(Code.INTERNAL, f"{type(error).__name__}: {error}"))
    else:
        call.finish()


class _Tunnel:
    """A connection inside a call's messages. Its methods run with the lock held."""

    def __init__(
        self,
        call: Call,
        link: Link,
        wrap: Callable[[bytes], bytes],
        unwrap: Callable[[bytes], bytes],
    ) -> None:
        self.call = call
        self.link = link
        self._wrap = wrap
        self._unwrap = unwrap

    def receive(self) -> None:
        """Hand what came in the call's messages to the inner connection."""
        call, link = self.call, self.link
        while call._inbox:
            message = call._take() or b""
            if link.failure is None:
                try:
                    link.receive(self._unwrap(message))
                except ProtocolError as error:
                    link.fail(error)
                    call.cancel()
        if call._is_complete:
            link.fail(TransportError("the session is over"))

    def send(self, machine: CallMachine) -> None:
        """Put what the inner connection has to send into messages of the call."""
        while self.link.machine.has_output and self.call._status is None:
            machine.send(self.call._number, self._wrap(self.link.machine.take_output()))


class Channel:
    """A connection over a byte stream, with the thread that owns it."""

    def __init__(
        self,
        stream: NonBlockingStream,
        role: Role = Role.CLIENT,
        *,
        handlers: Mapping[str, Handler] | None = None,
        answers: Mapping[str, Answer] | None = None,
        name: str = "buildkit",
    ) -> None:
        """Take a byte stream over and start the thread.

        Args:
            stream: the byte stream; it is closed with the channel.
            role: which end of HTTP/2 this is.
            handlers: what serves the peer's calls, by path (server role).
            answers: what answers unary calls at once, by path (server role).
            name: what the thread is called.
        """
        self._stream = stream
        self._changed = threading.Condition(threading.RLock())
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._is_closing = False
        self._owner = os.getpid()
        self._link = Link(role, self._changed, self._wake, handlers=handlers, answers=answers)
        self._tunnels: list[_Tunnel] = []
        self._output = memoryview(b"")
        self._thread = threading.Thread(target=self._run, name=f"imagebuilders {name}")
        self._thread.daemon = True
        self._thread.start()

    def call(self, path: str, metadata: Metadata = ()) -> Call:
        """Begin a call.

        Raises:
            TransportError: the connection broke, or takes no more calls.
        """
        return self._link.call(path, metadata)

    def unary(
        self, path: str, message: bytes, metadata: Metadata = (), timeout: float | None = None
    ) -> bytes:
        """Make a call with one message each way; return the answer.

        Raises:
            CallError: it ended with another status than OK.
            TransportError: the connection broke.
            TimeoutError: no answer came in time.
        """
        call = self.call(path, metadata)
        try:
            call.send(message, last=True)
            answer = call.receive(timeout)
        finally:
            call.cancel()
        if answer is None:
            raise CallError(RpcStatus(Code.INTERNAL, "the answer has no message"))
        return answer

    def tunnel(
        self,
        call: Call,
        handlers: Mapping[str, Handler],
        answers: Mapping[str, Answer],
        *,
        wrap: Callable[[bytes], bytes],
        unwrap: Callable[[bytes], bytes],
    ) -> None:
        """Run a connection inside a call's messages, in the server role, until the call ends.

        Args:
            call: the call that carries it.
            handlers: what serves the peer's calls, by path.
            answers: what answers unary calls at once, by path.
            wrap: puts bytes into a message of the call.
            unwrap: takes the bytes out of one; raises `ProtocolError` where there are none.
        """
        with self._changed:
            inner = Link(Role.SERVER, self._changed, self._wake, handlers=handlers, answers=answers)
            tunnel = _Tunnel(call, inner, wrap, unwrap)
            self._tunnels.append(tunnel)
            call._listener = tunnel.receive
            tunnel.receive()
        self._wake()

    def inner_threads(self) -> list[threading.Thread]:
        """Return the threads that serve calls of the peer inside of calls."""
        return [thread for tunnel in self._tunnels for thread in tunnel.link.threads()]

    @property
    def failure(self) -> TransportError | None:
        """Why the connection is at its end; `None` while it lives."""
        return self._link.failure

    @property
    def is_alive(self) -> bool:
        """Whether calls can be made; not in a process that was forked from the owner's."""
        return self._owner == os.getpid() and self._link.failure is None

    def close(self) -> None:
        """End all calls, close the byte stream, and wait for the threads."""
        if self._owner != os.getpid():
            return  # a forked child has neither the threads nor a right to the byte stream
        with self._changed:
            if not self._is_closing:
                self._is_closing = True
                for tunnel in self._tunnels:
                    tunnel.link.fail(TransportError("the session was closed"))
                    tunnel.call.cancel()
                self._link.fail(TransportError("the connection was closed"))
                self._link.machine.close()
        self._wake()
        self._thread.join()
        for thread in (*self._link.threads(), *self.inner_threads()):
            if thread is not threading.current_thread():
                thread.join(CLOSING_SECONDS)

    # --- the byte stream's thread --------------------------------------------

    def _wake(self) -> None:
        with suppress(OSError):  # it is awake, or at its end
            os.write(self._wake_write, b"\0")

    def _run(self) -> None:
        error = TransportError("the connection ended")
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_read, selectors.EVENT_READ)
                self._loop(selector)
        except ProtocolError as broken:
            error = broken
            self._say_goodbye()
        except OSError as broken:
            error = TransportError(f"the connection broke: {broken.strerror or broken}")
            error.__cause__ = broken
        except TransportError as ended:
            error = ended
        finally:
            with self._changed:
                for tunnel in self._tunnels:
                    tunnel.link.fail(error)
                self._link.fail(error)
                self._stream.close()
                os.close(self._wake_read)
                os.close(self._wake_write)
                self._wake_read = self._wake_write = -1

    def _loop(self, selector: selectors.BaseSelector) -> None:
        reading, writing = self._stream.read_descriptor(), self._stream.write_descriptor()
        watched: dict[int, int] = {}
        while True:
            with self._changed:
                self._collect()
                closing = self._is_closing
            self._write()
            wanted = {reading: selectors.EVENT_READ}
            if self._output:
                wanted[writing] = wanted.get(writing, 0) | selectors.EVENT_WRITE
            elif closing:
                return
            _watch(selector, watched, wanted)
            ready = selector.select(CLOSING_SECONDS if closing else None)
            if closing and not ready:
                return
            self._drain_wakes()
            self._read()

    def _collect(self) -> None:
        """Move what is to be sent from the inner connections outwards."""
        for tunnel in list(self._tunnels):
            if tunnel.call._status is not None and not any(
                thread.is_alive() for thread in tunnel.link.threads()
            ):
                self._tunnels.remove(tunnel)
            tunnel.send(self._link.machine)
        if not self._output and self._link.machine.has_output:
            self._output = memoryview(self._link.machine.take_output())
        self._changed.notify_all()

    def _write(self) -> None:
        while self._output:
            written = self._stream.write(self._output)
            if not written:
                return
            self._output = self._output[written:]
            if not self._output:
                with self._changed:
                    self._collect()

    def _read(self) -> None:
        # A bound, so that a peer that never stops does not keep what waits to be sent.
        for _ in range(16):
            data = self._stream.read()
            if data is None:
                return
            if not data:
                raise TransportError("the daemon closed the connection")
            with self._changed:
                self._link.receive(data)

    def _drain_wakes(self) -> None:
        try:
            while os.read(self._wake_read, 4096):
                pass
        except BlockingIOError:
            pass

    def _say_goodbye(self) -> None:
        """Send the reason of a broken protocol, if it can be sent at once."""
        with self._changed:
            data = self._link.machine.take_output()
        with suppress(OSError):
            self._stream.write(memoryview(data))


def _watch(
    selector: selectors.BaseSelector, watched: dict[int, int], wanted: dict[int, int]
) -> None:
    """Have the selector watch for what is wanted."""
    for descriptor in [known for known in watched if known not in wanted]:
        selector.unregister(descriptor)
        del watched[descriptor]
    for descriptor, events in wanted.items():
        if descriptor not in watched:
            selector.register(descriptor, events)
        elif watched[descriptor] != events:
            selector.modify(descriptor, events)
        watched[descriptor] = events
