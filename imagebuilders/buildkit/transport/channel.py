"""A connection that lives: one thread owns its byte stream; calls are made and served on it.

The thread waits for the byte stream alone, so a health check is answered at once whatever else
goes on. Everything that may take time (a file that is read, a helper that is asked) happens in
the thread that made the call, or in one of its own for each call that the peer makes.

It is longer than other modules: what the thread does and what others ask of it share one state.
"""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.call import Answer, Call, Handler
from imagebuilders.buildkit.transport.errors import (
    ProtocolError,
    TransportError,
)
from imagebuilders.buildkit.transport.guard import ProcessGuard
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.link import Link
from imagebuilders.buildkit.transport.liveness import Liveness
from imagebuilders.buildkit.transport.status import Metadata
from imagebuilders.buildkit.transport.tunnel import Tunnel
from imagebuilders.buildkit.transport.unary_call import UnaryCall

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from imagebuilders.connections.nonblocking import NonBlockingStream

CLOSING_SECONDS = 2.0
"""So long the last words may take when a channel is closed."""

IDLE_SECONDS = 320.0
"""After so long without a byte of the peer it is asked for one. gRPC's servers end connections
whose clients ask more often than every five minutes."""

ANSWER_SECONDS = 60.0
"""So long the peer may take to answer that before it is given up."""

_READS = 4
"""So many times the stream is read before something is written, whatever the peer sends."""


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
        idle_seconds: float = IDLE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Take a byte stream over and start the thread.

        Args:
            stream: the byte stream; it is closed with the channel.
            role: which end of HTTP/2 this is.
            handlers: what serves the peer's calls, by path (server role).
            answers: what answers unary calls at once, by path (server role).
            name: what the thread is called.
            idle_seconds: after so long without a byte of the peer it is asked for one.
            answer_seconds: so long it may take to answer that.
        """
        self._stream = stream
        self._guard = ProcessGuard()
        self._link = Link(role, self._guard, self._wake, handlers=handlers, answers=answers)
        self._tunnels: list[Tunnel] = []
        self._output = memoryview(b"")
        self._is_closing = False
        self._is_awake = False
        self._liveness = Liveness(idle_seconds, answer_seconds)
        try:
            self._wake_read, self._wake_write = os.pipe()
        except OSError:
            stream.close()
            raise
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._thread = threading.Thread(target=self._run, name=f"imagebuilders {name}")
        self._thread.daemon = True
        try:
            self._thread.start()
        except RuntimeError as error:  # the system has no more threads
            self._release()
            raise TransportError("no thread can be started") from error

    def wait_ready(self, timeout: float | None) -> None:
        """Wait until the peer has said that it speaks HTTP/2.

        Raises:
            TransportError: the connection broke.
            CallTimeoutError: it said nothing in time.
        """
        self._link.wait_ready(timeout)

    def call(self, path: str, metadata: Metadata = ()) -> Call:
        """Begin a call.

        Raises:
            TransportError: the connection broke, or takes no more calls.
            CallTimeoutError: the peer let no call begin in time.
        """
        return self._link.call(path, metadata)

    def unary(
        self, path: str, message: bytes, metadata: Metadata = (), timeout: float | None = None
    ) -> bytes:
        """Make a call with one message each way; return the answer.

        Raises:
            CallError: it ended with another status than OK.
            TransportError: the connection broke.
            CallTimeoutError: no answer came in time.
        """
        return self.ask(path, message, metadata, timeout).answer()

    def ask(
        self, path: str, message: bytes, metadata: Metadata = (), timeout: float | None = None
    ) -> UnaryCall:
        """Begin a call with one message each way; the answer is waited for by what is returned.

        Raises:
            TransportError: the connection broke.
        """
        return UnaryCall(self._link, path, message, metadata, timeout)

    def tunnel(
        self,
        call: Call,
        role: Role,
        *,
        handlers: Mapping[str, Handler] | None = None,
        answers: Mapping[str, Answer] | None = None,
        wrap: Callable[[bytes], bytes],
        unwrap: Callable[[bytes], bytes],
    ) -> Link:
        """Run a connection inside a call's messages until the call ends; return it.

        Args:
            call: the call that carries it.
            role: which end of the inner HTTP/2 this is.
            handlers: what serves the peer's calls, by path (server role).
            answers: what answers unary calls at once, by path (server role).
            wrap: puts bytes into a message of the call.
            unwrap: takes the bytes out of one; raises `ProtocolError` where there are none.
        """
        with self._guard.lock:
            inner = Link(role, self._guard, self._wake, handlers=handlers, answers=answers)
            tunnel = Tunnel(call, inner, wrap, unwrap)
            self._tunnels.append(tunnel)
            call.watch(tunnel.receive)
            self._wake()
        return inner

    @contextmanager
    def expecting_words(self, seconds: float) -> Iterator[None]:
        """Ask the peer sooner whether it is there, as it is due to speak all the time.

        Args:
            seconds: after so long without a byte of it, within the `with` block.
        """
        with self._guard.lock:
            self._liveness.expect(seconds)
            self._wake()
        try:
            yield
        finally:
            with self._guard.lock:
                self._liveness.expect_no_more(seconds)

    @property
    def link(self) -> Link:
        """The calls of the connection."""
        return self._link

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the byte stream is at its end; return whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def failure(self) -> TransportError | None:
        """Why the connection is at its end; `None` while it lives."""
        return self._link.failure

    @property
    def is_alive(self) -> bool:
        """Whether calls can be made; not in a process that was forked from the owner's."""
        return self._guard.is_owner and self._link.failure is None

    def close(self) -> None:
        """End all calls, close the byte stream, and wait for the threads.

        A second call has no effect, nor has one in a process that was forked from the owner's: it
        has neither the threads nor a right to the byte stream.
        """
        if not self._guard.is_owner:
            return
        with self._guard.lock:
            if not self._is_closing:
                self._is_closing = True
                for tunnel in self._tunnels:
                    tunnel.link.fail(TransportError("the session was closed"))
                    tunnel.call.cancel()
                self._link.fail(TransportError("the connection was closed"))
                self._link.machine.close()
                self._wake()
            threads = [*self._link.threads()]
            threads += [thread for tunnel in self._tunnels for thread in tunnel.link.threads()]
        current = threading.current_thread()
        if current is self._thread:
            return  # it goes on to close the stream, and must not wait for itself
        self._thread.join()
        for thread in threads:
            if thread is not current:
                thread.join(CLOSING_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- the byte stream's thread --------------------------------------------

    def _wake(self) -> None:
        """Have the thread look for what is to be sent; the lock is held."""
        if self._is_awake or threading.current_thread() is self._thread or self._wake_write < 0:
            return
        with suppress(OSError):
            os.write(self._wake_write, b"\0")
        self._is_awake = True  # only now: Ctrl-C may come between the two

    def _run(self) -> None:
        error = TransportError("the connection was closed")
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake_read, selectors.EVENT_READ)
                self._loop(selector)
        except ProtocolError as broken:
            error = broken
            self._say_goodbye()
        except TransportError as ended:
            error = ended
        except OSError as broken:
            error = TransportError(f"the connection broke: {broken.strerror or broken}")
            error.__cause__ = broken
        except Exception as failed:  # a defect here, but nobody may wait for ever because of it
            error = TransportError(f"the connection failed with {type(failed).__name__}")
            error.__cause__ = failed
        finally:
            with self._guard.lock:
                for tunnel in self._tunnels:
                    tunnel.link.fail(error)
                self._link.fail(error)
                self._release()

    def _release(self) -> None:
        self._stream.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self._wake_read = self._wake_write = -1

    def _loop(self, selector: selectors.BaseSelector) -> None:
        reading, writing = self._stream.read_descriptor(), self._stream.write_descriptor()
        watched: dict[int, int] = {}
        has_more = True
        while True:
            with self._guard.lock:
                self._collect()
                closing = self._is_closing
            self._write()
            wanted = {reading: selectors.EVENT_READ}
            if self._output:
                wanted[writing] = wanted.get(writing, 0) | selectors.EVENT_WRITE
            elif closing:
                return
            _watch(selector, watched, wanted)
            ready = selector.select(self._patience(closing=closing, has_more=has_more))
            if closing and not ready:
                return
            with self._guard.lock:
                self._drain_wakes()
            has_more = self._read()

    def _patience(self, *, closing: bool, has_more: bool) -> float | None:
        """Return how long to wait for the stream, and ask a silent peer whether it is there."""
        if has_more:
            return 0
        if closing:
            return CLOSING_SECONDS
        with self._guard.lock:
            if not self._link.has_calls:
                return None
            if self._liveness.is_ping_due():
                self._link.machine.ping()
                return 0
            return self._liveness.seconds_left()

    def _collect(self) -> None:
        """Move what is to be sent from the inner connections outwards."""
        for tunnel in self._tunnels:
            tunnel.send(self._link.machine)
        self._tunnels = [tunnel for tunnel in self._tunnels if not tunnel.is_over]
        if not self._output and self._link.machine.has_output:
            self._output = memoryview(self._link.take_output())

    def _write(self) -> None:
        while self._output:
            written = self._stream.write(self._output)
            if not written:
                return
            self._output = self._output[written:]
            if not self._output:
                with self._guard.lock:
                    self._collect()

    def _read(self) -> bool:
        """Take what has come; return whether there may be more."""
        for _ in range(_READS):
            data = self._stream.read()
            if data is None:
                return False
            if not data:
                raise TransportError("the daemon closed the connection")
            with self._guard.lock:
                self._liveness.heard()
                self._link.receive(data)
        return True

    def _drain_wakes(self) -> None:
        self._is_awake = False
        with suppress(BlockingIOError):
            while os.read(self._wake_read, 4096):
                pass

    def _say_goodbye(self) -> None:
        """Send the reason of a broken protocol, if it can be sent at once."""
        with self._guard.lock:
            data = self._link.take_output()
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
