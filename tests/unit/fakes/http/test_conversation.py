"""Requests and answers on one connection."""

from __future__ import annotations

import gc
import socket
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from fakes.http.conversation import Conversation
from fakes.http.messages import ConnectionCutError, Headers, Request, Response

_GET = b"GET / HTTP/1.1\r\nHost: x\r\n"


def _talk(sent: bytes, handle: Callable[[Request], Response]) -> bytes:
    """What a client gets that sends this and then nothing more."""
    near, far = socket.socketpair()
    with near, far:
        near.sendall(sent)
        near.shutdown(socket.SHUT_WR)
        Conversation(far, handle).run()
        far.close()
        return b"".join(iter(lambda: near.recv(65536), b""))


def _ok(request: Request) -> Response:
    return Response.of(200, body=request.path.encode())


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: close\r\n",
        b"Connection: TE, Close\r\n",
        b"Connection: keep-alive\r\nConnection: close\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    ],
)
def test_a_connection_is_closed_after_the_answer(fields: bytes) -> None:
    """Wherever the word stands, and where it is unclear what is the next request."""
    body = b"0\r\n\r\n" if b"chunked" in fields else b""
    got = _talk((_GET + fields + b"\r\n" + body) * 2, _ok)
    assert got.count(b"HTTP/1.1 200 OK") == 1
    assert got.count(b"\r\nConnection: close\r\n") == 1


def test_a_connection_is_kept_for_the_next_request() -> None:
    """Each answer has one date and one length."""
    got = _talk((_GET + b"Connection: TE\r\n\r\n") * 2, _ok)
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(b"\r\nDate: ") == 2
    assert got.count(b"\r\nContent-Length: 1\r\n") == 2
    assert b"Connection" not in got


def test_the_oldest_protocol_keeps_a_connection_that_it_asks_for() -> None:
    """And is told so."""
    old = b"GET / HTTP/1.0\r\n"
    got = _talk((old + b"Connection: Keep-Alive\r\n\r\n") + (old + b"\r\n") * 2, _ok)
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(b"Connection: keep-alive") == 1
    assert got.count(b"Connection: close") == 1


def test_fields_of_the_handlers_own_stay() -> None:
    """Nothing is said twice."""
    fields = [("Date", "then"), ("Content-Length", "4"), ("Connection", "close")]
    got = _talk(_GET + b"\r\n", lambda _: Response(200, Headers(fields), b"body"))
    assert got == (
        b"HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    )


def test_no_length_of_what_has_no_body() -> None:
    """RFC 9110, section 8.6."""
    assert b"Content-Length" not in _talk(_GET + b"\r\n", lambda _: Response(204))


class _Stream(Iterator[bytes]):
    """A body that tells when it is closed."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self._pieces = list(pieces)
        self._ends = ends
        self.is_closed = False

    def __next__(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        if self._ends:
            raise StopIteration
        return b""

    def close(self) -> None:
        self.is_closed = True


def test_a_stream_is_sent_in_chunks() -> None:
    """To the oldest protocol as it is, until the connection ends; to HEAD not at all."""
    streams = [_Stream(b"ab", b"", b"c") for _ in range(3)]
    left = list(streams)

    def handle(_: Request) -> Response:
        return Response(200, stream=left.pop(0))

    near, far = socket.socketpair()
    with near, far:
        near.sendall(_GET + b"\r\n" + _GET.replace(b"GET", b"HEAD") + b"\r\n")
        near.sendall(b"GET / HTTP/1.0\r\n\r\n")
        Conversation(far, handle).run()
        far.close()
        got = b"".join(iter(lambda: near.recv(65536), b""))
    chunked, head, old = got.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert chunked.endswith(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert head.endswith(b"Transfer-Encoding: chunked\r\n\r\n")
    assert old.endswith(b"Connection: close\r\n\r\nabc")
    assert all(stream.is_closed for stream in streams)


def test_a_stream_ends_with_its_client() -> None:
    """An empty piece is the moment to look whether anybody is there."""
    stream = _Stream(b"ab", ends=False)
    got = _talk(_GET + b"\r\n", lambda _: Response(200, stream=stream))
    assert got.endswith(b"2\r\nab\r\n")
    assert stream.is_closed


def test_a_handler_can_cut_a_connection() -> None:
    """Without a byte."""

    def handle(_: Request) -> Response:
        raise ConnectionCutError("cut")

    assert _talk(_GET + b"\r\n", handle) == b""


def test_what_is_no_request_is_refused_as_go_does() -> None:
    """With the reason, and an end."""
    got = _talk(b"GET / HTTP/1.1\r\n\r\n", _ok)
    assert got.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nConnection: close\r\n" in got
    assert got.endswith(b"\r\n\r\n400 Bad Request: missing required Host header")


def test_a_connection_can_be_taken_over() -> None:
    """With what the client sent ahead; the rest is read away, so that the answer arrives."""
    taken: list[bytes] = []

    def take(connection: socket.socket, ahead: bytes) -> None:
        taken.append(ahead)
        connection.sendall(b"raw")

    got = _talk(_GET + b"\r\nahead", lambda _: Response(101, reason="UPGRADED", hijack=take))
    assert got == b"HTTP/1.1 101 UPGRADED\r\n\r\nraw"
    assert taken == [b"ahead"]


def test_a_client_that_resets_is_no_error() -> None:
    """The conversation ends."""
    near, far = socket.socketpair()
    with far:
        near.sendall(_GET + b"\r\n")
        near.close()
        Conversation(far, lambda _: Response.of(200, body=bytes(1 << 20))).run()


def test_a_request_tells_whether_its_client_has_gone() -> None:
    """A handler that waits looks there."""
    near, far = socket.socketpair()
    seen: list[bool] = []
    near.sendall(_GET + b"\r\n")

    def handle(request: Request) -> Response:
        seen.append(request.is_abandoned())
        near.close()
        seen.append(request.is_abandoned())
        return Response(204)

    with far:
        Conversation(far, handle).run()
    assert seen == [False, True]


def test_over_tls_a_client_that_goes_is_seen() -> None:
    """Though what it said last cannot be looked at without being read."""
    pytest.importorskip("cryptography")
    from fakes.http.certificates import make_certificate
    from fakes.http.server import serving

    certificate = make_certificate("localhost")
    seen: list[bool] = []
    is_done = threading.Event()

    def handle(request: Request) -> Response:
        assert request.scheme == "https"
        seen.append(request.is_abandoned())
        while not request.is_abandoned():
            pass
        is_done.set()
        return Response(204)

    def serve(connection: socket.socket) -> None:
        Conversation(connection, handle).run()

    context = certificate.server_context()
    with serving(serve, "tcp://127.0.0.1:0", name="double", tls=context) as address:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        with (
            socket.create_connection(place, timeout=5) as raw,
            certificate.client_context().wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.sendall(_GET + b"\r\n")
            while not seen:
                pass
        assert is_done.wait(5)
    assert seen == [False]


def test_a_conversation_that_has_ended_leaves_no_circle() -> None:
    """Its buffer is given back at once, not when the collector comes by."""
    near, far = socket.socketpair()
    gc.disable()
    try:
        with near, far:
            near.sendall(_GET + b"Connection: close\r\n\r\n")
            conversation = Conversation(far, _ok)
            conversation.run()
            ended = weakref.ref(conversation)
            del conversation
        assert ended() is None
    finally:
        gc.enable()
