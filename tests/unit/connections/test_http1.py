"""HTTP/1.1 over a byte stream."""

from __future__ import annotations

import errno
import gzip
import logging
import socket
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.connections.http1 import Answer, BodyError, send_request
from imagebuilders.connections.streams import SocketStream
from imagebuilders.exceptions import EngineError


class _Exchange:
    """A request on a connection whose other end has sent its answer beforehand."""

    def __init__(self, answer: bytes = b"", *, ended: bool = True) -> None:
        near, self.far = socket.socketpair()
        self.stream = SocketStream(near)
        self.far.sendall(answer)
        if ended:
            self.far.shutdown(socket.SHUT_WR)

    def __enter__(self) -> _Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.far.close()

    def ask(
        self,
        method: str = "GET",
        target: str = "/version",
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        return send_request(
            self.stream,
            method,
            target,
            headers={"Host": "engine", "X-Key": "1"},
            body=body,
            send_timeout=5,
            idle_timeout=5,
        )

    def sent(self) -> bytes:
        self.stream.close_write()
        return b"".join(iter(lambda: self.far.recv(65536), b""))


def _answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers))
    return head.encode() + b"\r\n" + body


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in (*pieces, b""))


_RAW_DEFLATE = zlib.compress(b"abcdef")[2:-4]
CHUNKED = "Transfer-Encoding: chunked"
GZIP = "Content-Encoding: gzip"


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("GET", None, b""),
        ("POST", None, b"Content-Length: 0\r\n"),
        ("POST", b"{}", b"Content-Length: 2\r\n"),
    ],
)
def test_request(method: str, body: bytes | None, expected: bytes) -> None:
    """The request has the given headers, and asks for an answer that is not packed."""
    with _Exchange(_answer()) as one:
        one.ask(method, "/x?a=b", body)
        head, _, sent = one.sent().partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == f"{method} /x?a=b HTTP/1.1".encode()
    assert {b"Host: engine", b"X-Key: 1", b"Accept-Encoding: identity"} <= set(lines)
    assert expected.strip() in lines or not expected
    assert sent == (body or b"")


def test_body_in_chunks() -> None:
    """Each chunk is sent as it is made; an empty one does not end the body."""
    with _Exchange(_answer()) as one:
        one.ask("POST", "/build", iter([b"one", b"", b"three"]))
        sent = one.sent()
    assert b"Transfer-Encoding: chunked\r\n" in sent
    assert sent.endswith(b"\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "reusable"),
    [
        (_answer(b"abcdef", "Content-Length: 6"), True),
        (_answer(_chunked(b"abc", b"def"), CHUNKED), True),
        (_answer(b"abcdef"), False),
        (_answer(b"abcdef", "Content-Length: 6", "Connection: close"), False),
        (_answer(_packed(b"abc") + _packed(b"def"), GZIP), False),
        (_answer(_chunked(_packed(b"abcdef")), CHUNKED, "content-encoding: X-GZIP"), True),
        (_answer(zlib.compress(b"abcdef"), "Content-Encoding: deflate"), False),
        (_answer(_RAW_DEFLATE, "Content-Encoding: deflate"), False),
        (_answer(_answer(b"abcdef"), status="100 Continue"), False),
        (_answer(_answer(b"abcdef"), "Link: </a>", status="103 Early Hints"), False),
        (_answer(status="102 Processing") * 3 + _answer(b"abcdef"), False),
        (b"HTTP/1.0 200 OK\r\n\r\nabcdef", False),
    ],
)
def test_body_of_an_answer(raw: bytes, reusable: bool) -> None:
    """However it is sent, it is read to its end, and whether the connection stays is known."""
    with _Exchange(raw) as one:
        answer = one.ask()
        assert not answer.is_reusable
        assert b"".join(answer.chunks()) == b"abcdef"
        assert answer.is_reusable is reusable


@pytest.mark.parametrize("headers", [(), ("Content-Length: 100",), (CHUNKED,), (GZIP,)])
def test_an_answer_comes_as_it_is_sent(headers: tuple[str, ...]) -> None:
    """What is there is told at once, whatever frames the body, or packs it."""
    packer = zlib.compressobj(wbits=31)
    first = b"first"
    if GZIP in headers:
        first = packer.compress(first) + packer.flush(zlib.Z_SYNC_FLUSH)
    if CHUNKED in headers:
        first = b"5\r\n" + first + b"\r\n"
    with _Exchange(_answer(first, *headers), ended=False) as one:
        chunks = one.ask().chunks()
        assert next(chunks) == b"first"


@pytest.mark.parametrize(
    "raw",
    [
        _answer(b"abc", "Content-Length: 6"),
        _answer(b"3\r\nabc\r\n", CHUNKED),
        _answer(b"6\r\nabc", CHUNKED),
        _answer(b"nonsense\r\n", CHUNKED),
        _answer(_packed(b"abcdef")[:-3], GZIP),
    ],
)
def test_an_answer_that_breaks_off(raw: bytes) -> None:
    """It is an error, as what is missing may be what matters."""
    with _Exchange(raw) as one:
        answer = one.ask()
        with pytest.raises(ConnectionResetError, match="ended before it was complete"):
            list(answer.chunks())
        assert not answer.is_reusable


@pytest.mark.parametrize(
    "raw",
    [
        b"\x15\x03\x01\x00\x02\x02\x50\r\n",  # an alert of TLS
        b"SSH-2.0-OpenSSH_9.2\r\n",
        _answer(b"", *(f"H{number}: x" for number in range(200))),
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        _answer(status="102 Processing") * 1000,
        _answer(b"abc", "Content-Encoding: br"),
        _answer(b"abc", GZIP),
        _answer(b"\xff\xff\xff", "Content-Encoding: deflate"),
        _answer(b"\x07", "Content-Encoding: deflate"),
    ],
)
def test_what_is_not_http(raw: bytes) -> None:
    """It is told so, without an error of the HTTP library."""
    with _Exchange(raw) as one, pytest.raises(EngineError, match="The engine's answer is"):
        list(one.ask().chunks())


def test_a_connection_that_ends_without_an_answer() -> None:
    """It is the system's kind of error."""
    with _Exchange() as one, pytest.raises(ConnectionResetError):
        one.ask()


def test_an_answer_that_does_not_come() -> None:
    """The time limit holds, between the head and the body, too."""
    with _Exchange(_answer(b"abc", "Content-Length: 6"), ended=False) as one:
        answer = send_request(one.stream, "GET", "/", headers={}, idle_timeout=0.01)
        chunks = answer.chunks()
        assert next(chunks) == b"abc"
        with pytest.raises(TimeoutError):
            next(chunks)


def test_a_small_answer_that_unpacks_to_much() -> None:
    """It comes in pieces of a bounded size, so that whoever reads can stop."""
    raw = gzip.compress(bytes(50_000_000), 9)
    with _Exchange(_answer(raw, GZIP)) as one:
        sizes = [len(chunk) for chunk in one.ask().chunks()]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 65536


def test_reading_a_part() -> None:
    """No more than asked for is kept."""
    with _Exchange(_answer(b"abcdef")) as one:
        assert one.ask().read(4) == b"abcd"


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5), st.booleans())
def test_any_chunks(content: bytes, cuts: list[int], packed: bool) -> None:
    """Where the body is cut does not matter."""
    raw = _packed(content) if packed else content
    edges = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[start:end] for start, end in pairwise(edges)]
    headers = (CHUNKED, GZIP) if packed else (CHUNKED,)
    with _Exchange(_answer(_chunked(*pieces), *headers)) as one:
        assert b"".join(one.ask().chunks()) == content


def test_a_refusal_before_the_body_was_taken() -> None:
    """It is told, rather than that the connection broke off; the connection is not used again."""
    with _Exchange(_answer(b"no", "Content-Length: 2", status="400 Bad")) as one:
        one.far.shutdown(socket.SHUT_RD)
        answer = one.ask("POST", "/build", iter([b"x" * 100] * 3))
        assert (answer.status, answer.reason) == (400, "Bad")
        assert answer.read(10) == b"no"
        assert not answer.is_reusable


def test_a_connection_that_breaks_off_under_the_body() -> None:
    """Without an answer, it is the error of the sending that is told."""
    with _Exchange() as one:
        one.far.close()
        with pytest.raises(OSError, match="Broken pipe") as caught:
            one.ask("POST", "/build", iter([b"x" * 100] * 3))
    assert caught.value.errno == errno.EPIPE


def test_an_error_of_the_body() -> None:
    """It is told from those of the connection, even when it is of the same kind."""
    ended: list[bool] = []

    def body() -> Iterator[bytes]:
        try:
            yield b"first"
            raise BrokenPipeError(errno.EPIPE, "of a file")
        finally:
            ended.append(True)

    with _Exchange(_answer()) as one, pytest.raises(BodyError) as caught:
        one.ask("POST", "/build", body())
    assert str(caught.value.error) == "[Errno 32] of a file"
    assert ended == [True]


def test_a_body_that_is_not_taken_is_closed() -> None:
    """It may hold a file open."""
    ended: list[bool] = []

    def body() -> Iterator[bytes]:
        try:
            yield b"first"
            one.far.shutdown(socket.SHUT_RD)
            while True:
                yield b"more"
        finally:
            ended.append(True)

    with _Exchange(_answer(status="400 Bad")) as one:
        one.ask("POST", "/build", body())
    assert ended == [True]


def test_nothing_of_a_request_is_logged(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The query may hold a secret; not even the library's own tracing prints it."""
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    with _Exchange(_answer()) as one:
        one.ask("POST", "/build?buildargs=s3cret")
    assert "s3cret" not in caplog.text + capsys.readouterr().out
