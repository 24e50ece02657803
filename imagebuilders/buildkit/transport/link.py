"""The calls of one HTTP/2 connection, whichever bytes carry it, and the threads that serve them."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Mapping

from imagebuilders.buildkit.transport import calls
from imagebuilders.buildkit.transport.call import Answer, Call, Handler
from imagebuilders.buildkit.transport.calls import CallMachine
from imagebuilders.buildkit.transport.errors import CallError, CallTimeoutError, TransportError
from imagebuilders.buildkit.transport.guard import Bell, ProcessGuard, wait_for
from imagebuilders.buildkit.transport.http2 import MAX_STREAMS, Role
from imagebuilders.buildkit.transport.status import Code, Metadata, RpcStatus
from imagebuilders.exceptions import ImageBuilderError

MAX_THREADS = MAX_STREAMS
"""So many calls of the peer are served at the same time, those that it broke off counted."""

CALL_SECONDS = 30.0
"""So long the peer may let no more calls begin."""

logger = logging.getLogger(__name__)


class Link:
    """The calls of one connection. Its state and theirs is guarded by `guard`."""

    def __init__(
        self,
        role: Role,
        guard: ProcessGuard,
        wake: Callable[[], None],
        *,
        handlers: Mapping[str, Handler] | None = None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        """Begin.

        Args:
            role: which end of HTTP/2 this is.
            guard: the lock; all links of a channel share it.
            wake: has what is to be sent sent; called with the lock held.
            handlers: what serves the peer's calls, by path (server role).
            answers: what answers unary calls at once, by path (server role).
        """
        self.machine = CallMachine(role)
        self.guard = guard
        self.wake = wake
        self.failure: TransportError | None = None
        self.crowded: set[Call] = set()
        """The calls of which so much is queued that their senders wait."""
        self._handlers = dict(handlers or {})
        self._answers = dict(answers or {})
        self._open: dict[int, Call] = {}
        self._threads: list[threading.Thread] = []
        self._is_ready = False
        self._bell = Bell()

    def call(
        self, path: str, metadata: Metadata = (), *, timeout: float | None = CALL_SECONDS
    ) -> Call:
        """Begin a call.

        Args:
            path: `/package.Service/Method`.
            metadata: headers.
            timeout: seconds that the peer may let no more calls begin.

        Raises:
            TransportError: the connection broke, or takes no more calls.
            CallTimeoutError: the peer let no call begin in time.
        """

        def may_go_on() -> bool:
            machine = self.machine
            return self.failure is not None or machine.may_call or machine.goes_away

        if not wait_for(self.guard, [self._bell], may_go_on, timeout):
            raise CallTimeoutError("the daemon allows no more calls at the same time")
        with self.guard.lock:
            self.check()
            number = self.machine.call(path, metadata)
            call = self._open[number] = Call(self, number, path, metadata)
            self.wake()
        return call

    def wait_ready(self, timeout: float | None) -> None:
        """Wait until the peer has said that it speaks HTTP/2.

        Raises:
            TransportError: the connection broke.
            CallTimeoutError: it said nothing in time.
        """

        def is_decided() -> bool:
            return self._is_ready or self.failure is not None

        if not wait_for(self.guard, [self._bell], is_decided, timeout):
            raise CallTimeoutError(f"the daemon said nothing for {timeout:g} s")
        with self.guard.lock:
            if not self._is_ready:
                self.check()

    def wait_over(self, timeout: float | None) -> bool:
        """Wait until the connection is at its end; return whether it is."""
        return wait_for(self.guard, [self._bell], lambda: self.failure is not None, timeout)

    # --- with the lock held --------------------------------------------------

    def check(self) -> None:
        """See whether the connection lives.

        Raises:
            TransportError: it does not.
        """
        broken = self.broken()
        if broken is not None:
            raise broken

    def broken(self) -> TransportError | None:
        """Return an error of one's own that tells why the connection broke; `None` if it lives."""
        if self.failure is None:
            return None
        error = copy.copy(self.failure)
        error.__cause__ = self.failure.__cause__
        return error

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer.

        Raises:
            ProtocolError: they break the protocol.
        """
        for event in self.machine.receive(data):
            self._dispatch(event)
        self._bell.ring()

    def take_output(self) -> bytes:
        """Return the bytes to send now, and let senders go on for which there is room again."""
        data = self.machine.take_output()
        for call in self.crowded:
            call.room_made()
        self.crowded.clear()
        return data

    def fail(self, error: TransportError) -> None:
        """End all calls: nothing comes or goes any more."""
        if self.failure is None:
            self.failure = error
        for call in list(self._open.values()):
            call.end(RpcStatus(Code.UNAVAILABLE, str(error)))
        self._bell.ring()

    def forget(self, call: Call) -> None:
        """Drop a call that is over."""
        self._open.pop(call.number, None)
        self._bell.ring()

    @property
    def has_calls(self) -> bool:
        """Whether calls are open."""
        return bool(self._open)

    def threads(self) -> list[threading.Thread]:
        """Return the threads that serve calls of the peer."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return list(self._threads)

    # --- inside --------------------------------------------------------------

    def _dispatch(self, event: calls.CallEvent) -> None:
        if isinstance(event, calls.PeerReady):
            self._is_ready = True
            return
        if isinstance(event, calls.CallOpened):
            self._serve(event)
            return
        call = self._open.get(event.call)
        if call is None:
            if isinstance(event, calls.MessageReceived):
                self.machine.used(event.call)
            return
        match event:
            case calls.MessageReceived():
                call.deliver(event.message)
            case calls.MetadataReceived():
                call.deliver_headers(event.metadata)
            case calls.PeerHalfClosed():
                call.complete()
            case calls.CallFinished():
                call.end(event.status)

    def _serve(self, event: calls.CallOpened) -> None:
        call = self._open[event.call] = Call(self, event.call, event.path, event.metadata)
        answer = self._answers.get(event.path)
        handler = self._handlers.get(event.path)
        if answer is not None:
            call.watch(_AnswerAtOnce(call, answer))
        elif handler is None:
            call.finish(RpcStatus(Code.UNIMPLEMENTED, self._unknown(event.path)))
        elif len(self.threads()) >= MAX_THREADS:
            call.finish(RpcStatus(Code.RESOURCE_EXHAUSTED, "too many calls at the same time"))
        else:
            self._start(handler, call)

    def _unknown(self, path: str) -> str:
        """Return what there is not, in gRPC's usual words: a method, or its service."""
        service, _, method = path.removeprefix("/").rpartition("/")
        known = (each.rpartition("/")[0] for each in (*self._handlers, *self._answers))
        if f"/{service}" in known:
            return f"unknown method {method} for service {service}"
        return f"unknown service {service}"

    def _start(self, handler: Handler, call: Call) -> None:
        thread = threading.Thread(
            target=_run_handler, args=(handler, call), name=f"imagebuilders {call.path}"
        )
        thread.daemon = True
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads
            call.finish(RpcStatus(Code.RESOURCE_EXHAUSTED, "no thread can be started"))
        else:
            self._threads.append(thread)


class _AnswerAtOnce:
    """Answers a unary call when its message has come."""

    def __init__(self, call: Call, answer: Answer) -> None:
        self._call = call
        self._answer = answer
        self._is_done = False

    def __call__(self) -> None:
        if self._is_done or not self._call.has_messages:
            return
        self._is_done = True
        message = self._call.take() or b""
        _run_handler(lambda call: call.send(self._answer(message)), self._call)


def _run_handler(handler: Handler, call: Call) -> None:
    """Serve a call to its end, whatever happens.

    What an error says may hold a secret, unless it is one of this package's own: only its type is
    told to the peer and to the log.
    """
    try:
        handler(call)
    except CallError as error:
        call.finish(error.status)
    except TransportError:
        pass  # the call is over, or the connection: nobody is there to be told
    except ImageBuilderError as error:
        call.finish(RpcStatus(Code.UNKNOWN, str(error)))
    except Exception as error:  # the peer is told, and goes on without an answer
        logger.warning("The call %s cannot be served: %s.", call.path, type(error).__name__)
        call.finish(RpcStatus(Code.INTERNAL, f"the client failed with {type(error).__name__}"))
    else:
        call.finish()
