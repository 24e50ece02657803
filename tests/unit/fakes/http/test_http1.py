"""Reading HTTP/1.1 messages, however they arrive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.http.http1 import (
    HEAD_LIMIT,
    Body,
    Input,
    parse_head,
    response_head,
)
from fakes.http.messages import BadRequestError, ConnectionCutError, Headers, Response


def _arriving(content: bytes, pieces: list[int]) -> Callable[[memoryview], int]:
    """A connection on which `content` arrives in pieces of these sizes, then ends."""
    left = bytearray(content)
    sizes = iter(pieces)

    def receive(space: memoryview) -> int:
        size = min(next(sizes, len(left)), len(left), len(space))
        space[:size] = left[:size]
        del left[:size]
        return size

    return receive


_few = settings(max_examples=40)
_pieces = st.lists(st.integers(1, 40), max_size=30)
_names = st.text("Ab0-", min_size=1, max_size=8)
_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip)


@_few
@given(
    method=st.sampled_from(("GET", "PUT", "x-other")),
    path=st.text("/a%?=&:", max_size=20).map("/".__add__),
    fields=st.lists(st.tuples(_names, _values), max_size=5),
    rest=st.binary(max_size=20),
    pieces=_pieces,
)
def test_a_head_is_read_as_it_was_written(
    method: str, path: str, fields: list[tuple[str, str]], rest: bytes, pieces: list[int]
) -> None:
    """Wherever the pieces end; what follows the head stays to be read."""
    fields.append(("Host", "registry.example:5000"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    message = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + rest
    source = Input(_arriving(message, pieces))
    head = source.head()
    assert head is not None
    read_method, target, headers, version = parse_head(head)
    assert (read_method, target, version) == (method, path, "HTTP/1.1")
    assert list(headers) == fields
    left = b""
    while len(left) < len(rest):
        left += bytes(source.some(7))
    assert left == rest


@_few
@given(content=st.binary(max_size=200), pieces=_pieces, chunk_sizes=st.lists(st.integers(1, 50)))
def test_a_chunked_body_is_put_together(
    content: bytes, pieces: list[int], chunk_sizes: list[int]
) -> None:
    """Whatever the sizes of the chunks and of what arrives; trailers are passed over."""
    message, left = b"", content
    for size in chunk_sizes:
        chunk, left = left[:size], left[size:]
        if chunk:
            message += b"%x;note=1\r\n%s\r\n" % (len(chunk), chunk)
    if left:
        message += b"%X\r\n%s\r\n" % (len(left), left)
    message += b"0\r\nTrailer: x\r\n\r\nGET"
    source = Input(_arriving(message, pieces))
    body = Body(source, Headers([("Transfer-Encoding", "chunked")]))
    assert b"".join(bytes(piece) for piece in body) == content
    assert body.is_read
    assert bytes(source.some(1)) == b"G"


@_few
@given(content=st.binary(max_size=200), pieces=_pieces)
def test_a_body_of_known_length_is_read_to_its_end(content: bytes, pieces: list[int]) -> None:
    """And not beyond it."""
    source = Input(_arriving(content + b"next", pieces))
    body = Body(source, Headers([("Content-Length", str(len(content)))]))
    assert b"".join(bytes(piece) for piece in body) == content
    assert body.is_read
    assert bytes(source.some(1)) == b"n"


@_few
@given(head=st.binary(max_size=60))
def test_no_bytes_make_the_parser_fail_otherwise(head: bytes) -> None:
    """Either a request or a `BadRequestError`."""
    try:
        found = Input(_arriving(head + b"\r\n\r\n", [])).head()
        if found is not None:
            parse_head(found)
    except BadRequestError:
        pass


@pytest.mark.parametrize(
    "head",
    [b"GET /\r\n", b"GET / HTTP/2\r\n", b"G T / HTTP/1.1\r\n", b"GET x HTTP/1.1\r\n",
     b"GET / HTTP/1.1\r\nno colon\r\n", b"GET / HTTP/1.1\r\nbad name: x\r\n"],
)  # fmt: skip
def test_a_malformed_head_is_refused(head: bytes) -> None:
    """Request line and fields must have their form."""
    with pytest.raises(BadRequestError):
        parse_head(head)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://host:1/v2/?n=1", "/v2/?n=1"),
        ("https://host", "/"),
        ("/v2/", "/v2/"),
    ],
)
def test_a_whole_address_is_cut_to_its_path(target: str, expected: str) -> None:
    """As a client behind a proxy sends it."""
    assert parse_head(f"GET {target} HTTP/1.1\r\nHost: host\r\n".encode())[1] == expected


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (b"", "missing required Host header"),
        (b"Host: a\r\nHost: a\r\n", "too many Host headers"),
        (b"Host: a/b\r\n", "malformed Host header"),
    ],
)
def test_a_request_says_once_for_which_host_it_is(fields: bytes, words: str) -> None:
    """RFC 9112, section 3.2."""
    with pytest.raises(BadRequestError, match=words):
        parse_head(b"GET / HTTP/1.1\r\n" + fields)


@pytest.mark.parametrize("host", [b"", b"[::1]:5000", b"a.example:80", b"api.moby.localhost"])
def test_hosts_as_clients_write_them(host: bytes) -> None:
    """An empty one is that of a client that has no name for the server."""
    headers = parse_head(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n")[2]
    assert headers.get("Host").encode() == host
    assert "Host" not in parse_head(b"GET / HTTP/1.0\r\n")[2]


def test_a_length_is_told_once() -> None:
    """Several that say the same are one; two that differ are none; chunks go before a length."""
    source = Input(_arriving(b"ab0\r\n\r\n", []))
    same = Body(source, Headers([("Content-Length", "2"), ("content-length", "2")]))
    assert b"".join(bytes(piece) for piece in same) == b"ab"
    assert not same.is_ambiguous
    with pytest.raises(BadRequestError, match="several Content-Length"):
        Body(source, Headers([("Content-Length", "2"), ("Content-Length", "3")]))
    both = Body(source, Headers([("Content-Length", "2"), ("Transfer-Encoding", "chunked")]))
    assert list(both) == []
    assert both.is_ambiguous


def test_an_encoding_that_no_server_has_gets_501() -> None:
    """Also one that is named twice."""
    for value in (["gzip"], ["chunked", "chunked"]):
        headers = Headers([("Transfer-Encoding", each) for each in value])
        with pytest.raises(BadRequestError, match="unsupported transfer encoding") as caught:
            Body(Input(_arriving(b"", [])), headers)
        assert caught.value.status == 501


def test_a_line_between_chunks_has_an_end() -> None:
    """In the words of Go's reader."""
    source = Input(_arriving(b"1;" + b"x" * 5000, []))
    with pytest.raises(BadRequestError, match="header line too long"):
        list(Body(source, Headers([("Transfer-Encoding", "chunked")])))


def test_what_was_sent_ahead_is_there_for_who_takes_over() -> None:
    """A client need not wait for the answer to an upgrade."""
    source = Input(_arriving(b"GET / HTTP/1.1\r\n\r\nahead", []))
    source.head()
    assert source.ahead() == b"ahead"


def test_a_tls_handshake_is_refused_at_once() -> None:
    """Its first byte is no letter: no waiting for an end that never comes."""
    with pytest.raises(BadRequestError, match="TLS"):
        Input(_arriving(b"\x16\x03\x01\x02\x00", [])).head()


def test_a_head_without_end_is_refused() -> None:
    """Cut off, or longer than any head."""
    with pytest.raises(BadRequestError, match="in the middle"):
        Input(_arriving(b"GET / HT", [])).head()
    with pytest.raises(BadRequestError, match="longer"):
        Input(_arriving(b"G" * (HEAD_LIMIT + 1), [])).head()


def test_a_connection_that_ends_between_requests_is_no_error() -> None:
    """Empty lines before the end do not count."""
    assert Input(_arriving(b"", [])).head() is None
    assert Input(_arriving(b"\r\n\r\n", [])).head() is None


@pytest.mark.parametrize(
    "field",
    [("Content-Length", "-1"), ("Content-Length", "x"), ("Transfer-Encoding", "gzip")],
)
def test_a_body_without_a_length_is_refused(field: tuple[str, str]) -> None:
    """There is no way to tell where it ends."""
    with pytest.raises(BadRequestError, match="no length"):
        Body(Input(_arriving(b"", [])), Headers([field]))


@pytest.mark.parametrize("content", [b"x\r\n", b"3\r\nabcd\r\n0\r\n\r\n"])
def test_malformed_chunks_are_refused(content: bytes) -> None:
    """A size that is none, and more bytes than the size says."""
    body = Body(Input(_arriving(content, [])), Headers([("Transfer-Encoding", "chunked")]))
    with pytest.raises(BadRequestError):
        list(body)


def test_a_client_that_goes_away_is_told_apart() -> None:
    """The connection ends inside a body."""
    body = Body(Input(_arriving(b"abc", [])), Headers([("Content-Length", "5")]))
    assert bytes(next(body)) == b"abc"
    with pytest.raises(ConnectionCutError):
        next(body)
    assert not body.is_read


def test_the_client_is_asked_to_go_on_before_the_first_byte_only() -> None:
    """`100 Continue` once, and not for an empty body."""
    asked: list[str] = []
    body = Body(
        Input(_arriving(b"abc", [1, 1, 1])),
        Headers([("Content-Length", "3")]),
        lambda: asked.append("continue"),
    )
    assert asked == []
    assert len(list(body)) == 3
    assert list(Body(Input(_arriving(b"", [])), Headers(), lambda: asked.append("x"))) == []
    assert asked == ["continue"]


def test_a_response_head_has_its_reason_and_fields() -> None:
    """With `Connection: close` when that is so."""
    head = response_head(Response.of(202, {"A": "b"}), connection="close")
    assert head == b"HTTP/1.1 202 Accepted\r\nA: b\r\nConnection: close\r\n\r\n"
