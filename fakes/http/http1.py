"""HTTP/1.1 messages (RFC 9112): the head of a request, its body, the head of a response."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email.utils import formatdate

from .messages import BadRequestError, Buffer, ConnectionCutError, Headers, Response
from .reasons import REASONS

HEAD_LIMIT = 64 * 1024
"""The most bytes of a request's head."""
_FIRST_PIECE, _PIECE = 16 * 1024, 256 * 1024
"""Bytes that are read at once, at first and once there are more."""
_LINE_LIMIT = 4096
"""The most bytes of a line between the chunks of a body, as Go's reader takes them."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[A-Za-z0-9!$%&'()*+,\-.:;=\[\]_~]*")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")


def parse_head(head: bytes) -> tuple[str, str, Headers, str]:
    """Read the request line and the header fields.

    Args:
        head: everything up to and including the empty line.

    Returns:
        Method, target, header fields and version, as in `HTTP/1.1`.

    Raises:
        BadRequestError: the head is malformed.
    """
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not _TOKEN.fullmatch(words[0]):
        raise BadRequestError(f"no request line: {lines[0][:80]!r}")
    headers = Headers()
    for line in lines[1:]:
        if not line:
            continue
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise BadRequestError(f"no header field: {line[:80]!r}")
        headers.add(name, value.strip(" \t"))
    _check_host(headers, words[2])
    return words[0], _origin_form(words[1]), headers, words[2]


def _check_host(headers: Headers, version: str) -> None:
    """See to it that a request says once for which host it is (RFC 9112, section 3.2)."""
    hosts = headers.get_all("Host")
    if len(hosts) > 1:
        raise BadRequestError("too many Host headers")
    if not hosts and version != "HTTP/1.0":
        raise BadRequestError("missing required Host header")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise BadRequestError("malformed Host header")


def _origin_form(target: str) -> str:
    """The target without scheme and host, which a client may send (RFC 9112, section 3.2.2)."""
    if target.startswith(("http://", "https://")):
        return "/" + target.split("/", 3)[3] if target.count("/") >= 3 else "/"
    if not target.startswith("/"):
        raise BadRequestError(f"no target: {target[:80]!r}")
    return target


class Input:
    """Buffered reading from a connection.

    Args:
        receive: fills a buffer and returns how many bytes it put there; 0 at the end.
        begun: a few bytes that were read before.
    """

    def __init__(self, receive: Callable[[memoryview], int], begun: bytes = b"") -> None:
        self._receive = receive
        self._space = memoryview(bytearray(_FIRST_PIECE))
        self._space[: len(begun)] = begun
        self._begin = 0
        self._end = len(begun)

    def head(self) -> bytes | None:
        """A request's head; `None` when the client has closed the connection.

        Raises:
            BadRequestError: it is too long, or ends in the middle.
        """
        collected = bytearray()
        while True:
            if self._begin == self._end and not self._fill():
                if collected:
                    raise BadRequestError("the request ended in the middle of its head")
                return None
            if not collected:  # RFC 9112, section 2.2: pass over empty lines before a request
                while self._begin < self._end and self._space[self._begin] in b"\r\n":
                    self._begin += 1
                if self._begin == self._end:
                    continue
            overlap = max(len(collected) - 3, 0)
            collected += self._space[self._begin : self._end]
            if not 0x21 <= collected[0] <= 0x7E:
                # Clients try HTTPS first and wait for an answer to their handshake.
                raise BadRequestError("no HTTP request; is it TLS?")
            stop = collected.find(b"\r\n\r\n", overlap)
            if stop >= 0:
                self._begin = self._end - (len(collected) - stop - 4)
                return bytes(collected[: stop + 2])
            self._begin = self._end
            if len(collected) > HEAD_LIMIT:
                raise BadRequestError(f"the head is longer than {HEAD_LIMIT} bytes")

    def some(self, most: int) -> memoryview:
        """Up to `most` bytes, good until the next call.

        Raises:
            ConnectionCutError: the client has gone.
        """
        if self._begin == self._end and not self._fill():
            raise ConnectionCutError("the client closed the connection inside a request")
        begin = self._begin
        self._begin = min(self._end, begin + most)
        return self._space[begin : self._begin]

    def line(self) -> bytes:
        """A line between the chunks of a body, without its end.

        Raises:
            BadRequestError: it is too long; in the words of Go's reader.
            ConnectionCutError: the client has gone.
        """
        collected = bytearray()
        while not collected.endswith(b"\n"):
            if len(collected) >= _LINE_LIMIT:
                raise BadRequestError("header line too long")
            collected += self.some(1)
        return bytes(collected.rstrip(b"\r\n"))

    def ahead(self) -> bytes:
        """What was received and not asked for yet."""
        return bytes(self._space[self._begin : self._end])

    def _fill(self) -> int:
        if self._end == len(self._space) < _PIECE:
            self._space = memoryview(bytearray(_PIECE))
        self._begin = 0
        self._end = self._receive(self._space)
        return self._end


class Body:
    """A request's body, read while it is iterated.

    Attributes:
        size: bytes that were read so far.
        is_begun: whether reading has begun.
        is_read: whether it was read to its end.
        is_ambiguous: whether its length is told in two ways, so that what follows it cannot be
            trusted to be a request (RFC 9112, section 6.3).

    Args:
        source: where it comes from.
        headers: the request's header fields, which tell its length.
        before_first: called before the first byte is waited for: sends `100 Continue`.

    Raises:
        BadRequestError: the header fields tell no length that makes sense.
    """

    def __init__(
        self, source: Input, headers: Headers, before_first: Callable[[], None] = lambda: None
    ) -> None:
        self._source = source
        self._before_first = before_first
        codings = headers.get_all("Transfer-Encoding")
        coding = ", ".join(codings).lower()
        if coding not in ("", "chunked"):
            raise BadRequestError(f"no length: unsupported transfer encoding {coding!r}", 501)
        # Servers in Go take several fields that say the same.
        lengths = set(headers.get_all("Content-Length")) or {"0"}
        if len(lengths) > 1:
            raise BadRequestError("no length: several Content-Length headers that differ")
        length = lengths.pop()
        if not _LENGTH.fullmatch(length):
            raise BadRequestError(f"no length: {length!r}")
        self.is_ambiguous = bool(codings) and "Content-Length" in headers
        self._pieces = self._chunked() if codings else self._sized(int(length))
        self.size = 0
        self.is_begun = False
        self.is_read = not codings and int(length) == 0

    def __iter__(self) -> Iterator[Buffer]:
        return self

    def __next__(self) -> Buffer:
        if not self.is_begun and not self.is_read:
            self.is_begun = True
            self._before_first()
        piece = next(self._pieces)
        self.size += len(piece)
        return piece

    def _sized(self, left: int) -> Iterator[Buffer]:
        while left:
            piece = self._source.some(left)
            left -= len(piece)
            yield piece
        self.is_read = True

    def _chunked(self) -> Iterator[Buffer]:
        while True:
            text = self._source.line().partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(text):
                raise BadRequestError("invalid byte in chunk length")
            size = int(text, 16)
            if size == 0:
                break
            yield from self._sized(size)
            self.is_read = False
            if self._source.line():
                raise BadRequestError("malformed chunked encoding")
        while self._source.line():
            pass
        self.is_read = True


def response_head(response: Response, *, connection: str = "") -> bytes:
    """The status line and header fields of a response.

    Args:
        response: the response.
        connection: what is said of the connection, unless the response says it itself.
    """
    reason = response.reason or REASONS.get(response.status, "Status")
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if connection and "Connection" not in response.headers:
        lines.append(f"Connection: {connection}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def complete(response: Response) -> None:
    """Add the fields that each answer has: its date, and the length of a body that has one."""
    if "Date" not in response.headers:
        response.headers.add("Date", formatdate(usegmt=True))
    bodiless = response.status in (204, 304) or response.stream is not None
    if not bodiless and "Content-Length" not in response.headers:
        response.headers.add("Content-Length", str(len(response.body)))
