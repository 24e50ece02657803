"""Connections that live: both roles against each other over a pair of sockets."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from pytest_mock import MockerFixture

from imagebuilders.buildkit.transport import channel as channel_module
from imagebuilders.buildkit.transport import link
from imagebuilders.buildkit.transport.call import Answer, Call, Handler
from imagebuilders.buildkit.transport.channel import Channel
from imagebuilders.buildkit.transport.errors import (
    CallCancelledError,
    CallError,
    CallTimeoutError,
    ProtocolError,
    TransportError,
)
from imagebuilders.buildkit.transport.http2 import MAX_STREAMS, Role
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.buildkit.transport.unary_call import UnaryCall, unary
from imagebuilders.connections.nonblocking import NonBlockingSocket
from imagebuilders.exceptions import BuildKitError, ImageBuilderError

HEALTH = "/health"


def _echo(call: Call) -> None:
    while (message := call.receive()) is not None:
        call.send(message)


@contextmanager
def _joined(
    handlers: Mapping[str, Handler], answers: Mapping[str, Answer] | None = None
) -> Iterator[tuple[Channel, Channel]]:
    """Join a client and a server."""
    near, far = socket.socketpair()
    server = Channel(NonBlockingSocket(far), Role.SERVER, handlers=handlers, answers=answers)
    client = Channel(NonBlockingSocket(near))
    try:
        yield client, server
    finally:
        client.close()
        server.close()


@contextmanager
def _alone(
    idle_seconds: float = 60, answer_seconds: float = 60
) -> Iterator[tuple[Channel, socket.socket]]:
    """Give a channel, and the socket at its other end."""
    near, far = socket.socketpair()
    with (
        far,
        Channel(
            NonBlockingSocket(near), idle_seconds=idle_seconds, answer_seconds=answer_seconds
        ) as channel,
    ):
        yield channel, far


def test_a_unary_call() -> None:
    """One message each way, with headers."""
    seen: list[list[str]] = []

    def handler(call: Call) -> None:
        seen.append(call.values("name"))
        _echo(call)

    with _joined({"/a/B": handler}) as (client, _):
        assert client.unary("/a/B", b"hello", (("name", "1"), ("name", "2")), 10) == b"hello"
    assert seen == [["1", "2"]]


def test_messages_of_all_sizes_go_both_ways_at_once() -> None:
    """Larger than the windows and what may be queued; the sender waits for the receiver."""
    messages = [os.urandom(size) for size in (0, 1, 70_000, 3_000_000, 5)] * 2
    with _joined({"/a/B": _echo}) as (client, _):
        call = client.call("/a/B")

        def send() -> None:
            for message in messages:
                call.send(message)
            call.half_close()

        sender = threading.Thread(target=send)
        sender.start()
        assert [call.receive(10) for _ in messages] == messages
        assert call.receive(10) is None
        sender.join(10)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CallError(RpcStatus(Code.NOT_FOUND, "no such file")), RpcStatus(5, "no such file")),
        (BuildKitError("it is broken"), RpcStatus(2, "it is broken")),
        (ValueError("the secret is s3cret"), RpcStatus(13, "the client failed with ValueError")),
    ],
)
def test_what_a_handler_raises_is_the_status(error: Exception, status: RpcStatus) -> None:
    """Words of errors that are not this package's own may hold a secret, and stay here."""

    def handler(_call: Call) -> None:
        raise error

    with _joined({"/a/B": handler}) as (client, _), pytest.raises(CallError) as caught:
        client.unary("/a/B", b"", timeout=10)
    assert caught.value.status == status


def test_an_unknown_method_is_unimplemented() -> None:
    """And the connection goes on."""
    with _joined({"/a/B": _echo}) as (client, _):
        with pytest.raises(CallError, match=r"UNIMPLEMENTED: unknown method C for service a$"):
            client.unary("/a/C", b"", timeout=10)
        with pytest.raises(CallError, match=r"UNIMPLEMENTED: unknown service x\.b$"):
            client.unary("/x.b/C", b"", timeout=10)
        assert client.unary("/a/B", b"x", timeout=10) == b"x"


def test_health_is_answered_at_once_while_handlers_are_busy() -> None:
    """It needs no thread, and no window that others have closed."""
    go_on = threading.Event()
    blocked = threading.Barrier(6, timeout=10)

    def handler(_call: Call) -> None:
        blocked.wait()
        go_on.wait(100)

    with _joined({"/a/B": handler}, {HEALTH: lambda _: b"serving"}) as (client, _):
        busy = [client.call("/a/B") for _ in range(5)]
        for call in busy:
            for _ in range(10):
                call.send(b"x" * 100_000)
        blocked.wait()
        for _ in range(20):
            assert client.unary(HEALTH, b"", timeout=60) == b"serving"
        go_on.set()


def test_an_answer_that_fails_ends_its_call_alone() -> None:
    """The thread of the byte stream goes on."""

    def answer(message: bytes) -> bytes:
        return message[99].to_bytes(1, "big")

    with _joined({"/a/B": _echo}, {HEALTH: answer}) as (client, _):
        with pytest.raises(CallError, match="IndexError"):
            client.unary(HEALTH, b"", timeout=10)
        assert client.unary("/a/B", b"x", timeout=10) == b"x"


def test_cancelling_reaches_the_handler() -> None:
    """It is woken where it waits, and what it sends then is an error."""
    ended: list[object] = []
    done = threading.Event()
    begun = threading.Event()

    def handler(call: Call) -> None:
        begun.set()
        call.wait_until_over(10)
        try:
            call.send(b"too late")
        except CallCancelledError as error:
            ended.append(error)
        done.set()

    with _joined({"/a/B": handler}) as (client, _):
        call = client.call("/a/B")
        assert begun.wait(10)
        call.cancel()
        assert done.wait(10)
        with pytest.raises(CallError, match="CANCELLED"):
            call.receive(10)
    assert len(ended) == 1


def test_a_sender_that_waits_for_room_is_woken_by_the_end() -> None:
    """Nobody reads; the call is broken off by the other side."""
    go_on = threading.Event()

    def handler(_call: Call) -> None:
        go_on.wait(10)
        raise CallError(RpcStatus(Code.RESOURCE_EXHAUSTED, "full"))

    with _joined({"/a/B": handler}) as (client, _):
        call = client.call("/a/B")
        timer = threading.Timer(0.05, go_on.set)
        timer.start()
        with pytest.raises(TransportError, match="full"):
            _fill(call)
        timer.join()


def test_the_peer_may_close_the_connection() -> None:
    """Whoever waits is told, each with an error of its own."""
    with _alone() as (channel, far):
        call = channel.call("/a/B")
        far.shutdown(socket.SHUT_WR)
        with pytest.raises(TransportError, match="closed the connection"):
            call.receive(10)
        with pytest.raises(TransportError, match="closed the connection") as caught:
            channel.call("/a/B")
        with pytest.raises(TransportError) as again:
            channel.call("/a/B")
        assert caught.value is not again.value
        assert not channel.is_alive
        assert channel.failure is not None


def test_a_peer_that_sends_garbage() -> None:
    """It is told why, and the connection is at its end."""
    with _alone() as (channel, far):
        call = channel.call("/a/B")
        far.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(ProtocolError):
            call.receive(10)


def test_the_time_for_a_call_is_over(mocker: MockerFixture) -> None:
    """What has come by then is read, and nothing is waited for."""
    connection = mocker.Mock()
    call = connection.call.return_value
    call.receive.side_effect = [b"answer", None]
    assert UnaryCall(connection, "/a/B", b"", timeout=-1.0).answer() == b"answer"
    assert call.receive.call_args_list == [mocker.call(0.0), mocker.call(0.0)]


def test_a_peer_that_says_nothing_is_not_waited_for() -> None:
    """Neither for its first word, nor for an answer."""
    with _alone() as (channel, _far):
        with pytest.raises(CallTimeoutError, match="said nothing"):
            channel.wait_ready(0.01)
        call = channel.call("/a/B")
        with pytest.raises(CallTimeoutError, match="did not answer"):
            call.receive(0.01)
        with pytest.raises(CallTimeoutError):
            channel.unary("/a/B", b"", timeout=0.01)
        assert not call.wait_with([call], 0.01)
        assert not call.has_news
        assert not call.is_over
        assert call.receive_now() is None


def test_a_peer_that_is_silent_for_long_is_given_up() -> None:
    """It is asked for a word first; one that answers goes on for ever."""
    with _alone(idle_seconds=0.02, answer_seconds=0.02) as (channel, _far):
        call = channel.call("/a/B")
        with pytest.raises(TransportError, match="has not answered"):
            call.receive(10)

    near, far = socket.socketpair()
    go_on = threading.Event()

    def handler(call: Call) -> None:
        go_on.wait(10)
        call.send(b"late")

    server = Channel(NonBlockingSocket(far), Role.SERVER, handlers={"/a/B": handler})
    with Channel(NonBlockingSocket(near), idle_seconds=0.01, answer_seconds=5) as channel:
        call = channel.call("/a/B")
        pings = threading.Timer(0.1, go_on.set)
        pings.start()
        assert call.receive(10) == b"late"
        pings.join()
    server.close()


def test_a_peer_that_is_due_to_speak_is_asked_sooner() -> None:
    """As long as it is due; what others expect of it counts as well."""
    with _alone(idle_seconds=600, answer_seconds=0.02) as (channel, _far):
        call = channel.call("/a/B")
        with (
            channel.expecting_words(500),
            channel.expecting_words(0.02),
            pytest.raises(TransportError, match="has not answered"),
        ):
            call.receive(10)
    with _alone(idle_seconds=600, answer_seconds=0.02) as (channel, _far):
        call = channel.call("/a/B")
        with channel.expecting_words(0.2):
            pass
        with pytest.raises(CallTimeoutError):
            call.receive(0.3)


def test_a_peer_that_reads_nothing_does_not_hold_up_the_end(mocker: MockerFixture) -> None:
    """What cannot be said within a moment is not said."""
    mocker.patch.object(channel_module, "CLOSING_SECONDS", 0.05)
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with far:
        channel = Channel(NonBlockingSocket(near))
        for _ in range(200):
            channel.call("/a/B", (("name", "x" * 4000),))
        began = time.monotonic()
        channel.close()
        assert time.monotonic() - began < 10


def test_calls_beyond_what_the_peer_allows_wait_and_give_up() -> None:
    """The bound is the peer's; nobody waits for ever."""
    go_on = threading.Event()

    def handler(_call: Call) -> None:
        go_on.wait(10)

    with _joined({"/a/B": handler}) as (client, _):
        client.wait_ready(10)
        calls = [client.call("/a/B") for _ in range(MAX_STREAMS)]
        with pytest.raises(CallTimeoutError, match="no more calls"):
            client.link.call("/a/B", timeout=0.01)
        go_on.set()
        assert client.link.call("/a/B", timeout=10)
        assert all(call.receive(10) is None for call in calls)


def test_calls_that_are_broken_off_while_they_are_served_are_bounded(
    mocker: MockerFixture,
) -> None:
    """A peer cannot have threads started without end by breaking its calls off."""
    mocker.patch.object(link, "MAX_THREADS", 3)
    go_on = threading.Event()
    running = threading.Semaphore(0)

    def handler(_call: Call) -> None:
        running.release()
        go_on.wait(10)

    with _joined({"/a/B": handler}) as (client, server):
        for _ in range(3):
            call = client.call("/a/B")
            assert running.acquire(timeout=10)
            call.cancel()
        with pytest.raises(CallError, match="RESOURCE_EXHAUSTED"):
            client.unary("/a/B", b"", timeout=10)
        assert len(server.link.threads()) == 3
        go_on.set()


def test_a_system_without_threads_refuses_calls(mocker: MockerFixture) -> None:
    """The call fails, the connection goes on."""
    with _joined({"/a/B": _echo}, {HEALTH: lambda _: b"serving"}) as (client, _):
        client.wait_ready(10)
        mocker.patch.object(threading.Thread, "start", side_effect=RuntimeError)
        with pytest.raises(CallError, match="no thread"):
            client.unary("/a/B", b"", timeout=10)
        assert client.unary(HEALTH, b"", timeout=10) == b"serving"


@pytest.mark.parametrize("path", ["/a/B", HEALTH])
def test_a_channel_may_be_closed_from_within(path: str) -> None:
    """By a call that it serves, in a thread of its own or in that of the byte stream."""
    channels: list[Channel] = []
    ready = threading.Event()

    def handler(_call: Call) -> None:
        ready.wait(10)
        channels[0].close()

    def answer(_message: bytes) -> bytes:
        channels[0].close()
        return b""

    with _joined({"/a/B": handler}, {HEALTH: answer}) as (client, server):
        channels.append(server)
        ready.set()
        with pytest.raises(TransportError):
            client.unary(path, b"", timeout=10)
        assert server.wait_closed(10)


def test_closing_twice_and_from_many_threads() -> None:
    """It has an effect once."""
    with _joined({"/a/B": _echo}) as (client, server):
        threads = [threading.Thread(target=server.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        client.close()
        client.close()
        # What the client saw first counts: the other side's end, a reset, or its own.
        with pytest.raises(TransportError, match=r"closed|broke"):
            client.call("/a/B")


def test_waiting_is_interrupted_by_ctrl_c() -> None:
    """In every wait that has no end of its own."""
    main = threading.main_thread().ident or 0

    def handler(call: Call) -> None:
        call.wait_until_over(10)

    with _joined({"/a/B": handler}) as (client, _):
        client.wait_ready(10)
        call = client.call("/a/B")
        for wait in (call.receive, lambda: call.wait_with([call]), lambda: _fill(call)):
            timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                wait()
            timer.join()
        call.cancel()


def _fill(call: Call) -> None:
    while True:
        call.send(b"x" * 500_000)


def test_a_forked_child_is_refused_and_breaks_nothing() -> None:
    """It has not the threads of the connection; its parent goes on."""
    with _joined({"/a/B": _echo}) as (client, _):
        assert client.unary("/a/B", b"x", timeout=10) == b"x"
        call = client.call("/a/B")
        with client._guard.lock:  # as if another thread of the parent held it
            child = os.fork()
            if child == 0:
                refused = sum(
                    _is_refused(action)
                    for action in (
                        lambda: client.call("/a/B"),
                        lambda: call.send(b"x"),
                        lambda: call.receive(1),
                        call.cancel,
                    )
                )
                client.close()
                os._exit(refused if not client.is_alive else 99)
        _, state = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(state) == 4
        call.send(b"y")
        assert call.receive(10) == b"y"


def _is_refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except TransportError:
        return True
    return False


def test_errors_survive_pickling() -> None:
    """All are errors of this package."""
    for error in (
        TransportError("broken"),
        ProtocolError("wrong"),
        CallTimeoutError("late"),
        CallCancelledError("over"),
        CallError(RpcStatus(Code.NOT_FOUND, "gone", b"details")),
    ):
        assert isinstance(error, ImageBuilderError)
        assert isinstance(error, BuildKitError)
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert again.__dict__ == error.__dict__


def test_a_connection_inside_a_call() -> None:
    """Its calls go the other way round, and it ends with the call."""
    found: list[bytes] = []
    ended = threading.Event()

    def session(call: Call) -> None:
        inner = channels[0].tunnel(call, Role.CLIENT, wrap=bytes, unwrap=bytes)
        found.append(unary(inner, "/inner/Echo", b"x" * 2_000_000, timeout=10))
        found.append(unary(inner, HEALTH, b"", timeout=10))
        inner.wait_over(10)
        ended.set()

    channels: list[Channel] = []
    with _joined({"/outer/Session": session}) as (client, server):
        channels.append(server)
        call = client.call("/outer/Session")
        inner = client.tunnel(
            call,
            Role.SERVER,
            handlers={"/inner/Echo": _echo},
            answers={HEALTH: lambda _: b"serving"},
            wrap=bytes,
            unwrap=bytes,
        )
        while len(found) < 2 and inner.failure is None:
            time.sleep(0.001)
        call.cancel()
        assert ended.wait(10)
        assert inner.wait_over(10)
    assert found == [b"x" * 2_000_000, b"serving"]


def test_garbage_inside_a_call_ends_that_call_alone() -> None:
    """The connection around it goes on."""

    def session(call: Call) -> None:
        call.send(b"\xff" * 100)
        call.wait_until_over(10)

    with _joined({"/outer/Session": session, "/a/B": _echo}) as (client, _):
        call = client.call("/outer/Session")
        inner = client.tunnel(call, Role.SERVER, wrap=bytes, unwrap=bytes)
        assert inner.wait_over(10)
        assert isinstance(inner.failure, ProtocolError)
        assert client.unary("/a/B", b"x", timeout=10) == b"x"


def test_descriptors_are_closed_when_the_connection_cannot_be_made(mocker: MockerFixture) -> None:
    """Without pipes or threads the byte stream is closed all the same."""
    near, far = socket.socketpair()
    with far:
        mocker.patch("os.pipe", side_effect=OSError(24, "Too many open files"))
        with pytest.raises(OSError, match="Too many"):
            Channel(NonBlockingSocket(near))
        assert near.fileno() == -1
    mocker.stopall()
    near, far = socket.socketpair()
    with far:
        mocker.patch.object(threading.Thread, "start", side_effect=RuntimeError)
        with pytest.raises(TransportError, match="no thread"):
            Channel(NonBlockingSocket(near))
        assert near.fileno() == -1
