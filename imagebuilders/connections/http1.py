"""HTTP/1.1 over a byte stream, whose answer is read as it comes.

The HTTP libraries log a request's URL, or name it in their errors, and the query of a build holds
its build arguments; they also hold an answer without chunks back to its end. So requests to
daemons are sent from here. The messages are written and read by the standard library.

It is longer than other modules: what puts the standard library onto a byte stream is of no use
elsewhere.
"""

from __future__ import annotations

import errno
import http.client
import io
import ssl
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from imagebuilders.connections.streams import RECEIVE_BYTES, ByteStream
from imagebuilders.exceptions import EngineError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_INTERIM_ANSWERS = 100
"""So many answers that only say "wait" may come before the one that counts."""

_BROKEN = frozenset({errno.EPIPE, errno.ECONNRESET, errno.EPROTOTYPE, errno.ESHUTDOWN})


class BodyError(Exception):
    """The body of a request could not be made; `error` is what went wrong."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Answer:
    """What a daemon answered; its body comes with `chunks`.

    Attributes:
        status: the HTTP status.
        reason: the words beside it.
    """

    def __init__(self, response: http.client.HTTPResponse, *, sent: bool) -> None:
        self._response = response
        self._sent = sent
        self._complete = False
        self.status = response.status
        self.reason = response.reason

    @property
    def is_reusable(self) -> bool:
        """Whether the stream can carry another request, now that the body was read."""
        return self._sent and self._complete and not self._response.will_close

    def header(self, name: str) -> str | None:
        """Return the value of a header, in any case; `None` without one."""
        return self._response.getheader(name)

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it comes, unpacked, in pieces of at most 64 KiB.

        Raises:
            OSError: the connection failed before the body's end, or a time limit passed.
            EngineError: what comes is malformed.
        """
        encoding = (self.header("Content-Encoding") or "identity").strip().lower()
        if encoding == "identity":
            yield from self._raw_chunks()
        elif encoding in ("gzip", "x-gzip", "deflate"):
            yield from _unpacked(self._raw_chunks(), may_be_raw=encoding == "deflate")
        else:
            raise EngineError(
                f"The engine's answer is packed by {encoding[:40]!r}, which was not asked for and "
                "cannot be read."
            )

    def read(self, limit: int) -> bytes:
        """Return the body's first bytes, at most `limit`.

        Raises:
            OSError: as in `chunks`.
            EngineError: as in `chunks`.
        """
        body = bytearray()
        for chunk in self.chunks():
            body += chunk
            if len(body) >= limit:
                break
        return bytes(body[:limit])

    def _raw_chunks(self) -> Iterator[bytes]:
        while True:
            with _http_errors():
                chunk = self._response.read1(RECEIVE_BYTES)
            if not chunk:
                break
            yield chunk
        if self._response.length:
            raise _cut_off()
        self._complete = True


def send_request(
    stream: ByteStream,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str],
    body: bytes | Iterable[bytes] | None = None,
    send_timeout: float | None = None,
    idle_timeout: float | None = None,
) -> Answer:
    """Send a request and wait for the head of its answer.

    A daemon may answer before it has taken the whole body, as when it refuses a request.

    Args:
        stream: the connection; it stays the caller's to close.
        method: the HTTP method.
        target: the path with its query, or the whole URL where a proxy forwards requests.
        headers: the headers; `Host` among them.
        body: the body, whole or in chunks.
        send_timeout: seconds that the daemon may take none of what is sent.
        idle_timeout: seconds that the daemon may be silent.

    Raises:
        OSError: the connection failed, or a time limit passed.
        EngineError: the answer is not HTTP.
        BodyError: a chunk of the body could not be made.
    """
    connection = http.client.HTTPConnection("daemon")
    connection.response_class = _Response
    connection.set_debuglevel(0)  # it would print the query
    connection.auto_open = 0
    connection.sock = _StreamSocket(stream, send_timeout, idle_timeout)
    source = None
    if body is not None and not isinstance(body, bytes):
        body = source = _Source(body)
    try:
        with _http_errors():
            sent = _send(connection, method, target, headers, body)
            return Answer(sent.response(connection), sent=sent.error is None)
    finally:
        if source is not None:
            source.close()  # a daemon that refuses may not have taken all of it


class _Response(http.client.HTTPResponse):
    """An answer behind any number of interim ones (RFC 9110, 15.2), such as 103 Early Hints.

    The standard library knows `100 Continue` alone, and takes another for the answer.
    """

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM_ANSWERS):
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            status = line[1]
            if status // 100 != 1 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return line
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException


@dataclass(frozen=True)
class _Sent:
    """A request as far as it was sent; `error` says why not further."""

    error: OSError | None = None

    def response(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            return connection.getresponse()
        except ssl.SSLError:
            raise  # the daemon's alert says why it has closed the connection
        except (OSError, http.client.HTTPException):
            if self.error is not None:
                raise self.error from None
            raise


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes | Iterator[bytes] | None,
) -> _Sent:
    headers = {"Accept-Encoding": "identity", **headers}
    try:
        connection.request(method, target, body=body, headers=headers)
    except OSError as error:
        if error.errno not in _BROKEN and not isinstance(error, ssl.SSLEOFError):
            raise
        # A daemon that refuses a request closes the connection before it has taken the body.
        return _Sent(error)
    return _Sent()


class _Source(Iterator[bytes]):
    """The chunks of a body, whose own errors are told from the connection's."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            raise
        except Exception as error:
            raise BodyError(error) from error

    def close(self) -> None:
        if isinstance(self._chunks, Generator):
            self._chunks.close()


class _StreamSocket:
    """The parts of a socket that `http.client` uses, on a byte stream."""

    def __init__(
        self, stream: ByteStream, send_timeout: float | None, idle_timeout: float | None
    ) -> None:
        self._stream = stream
        self._send_timeout = send_timeout
        self._idle_timeout = idle_timeout

    def sendall(self, data: bytes) -> None:
        self._stream.send(data, timeout=self._send_timeout)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._stream, self._idle_timeout), RECEIVE_BYTES)

    def close(self) -> None:
        """Leave the stream open: it is not the request's."""


class _Reader(io.RawIOBase):
    def __init__(self, stream: ByteStream, timeout: float | None) -> None:
        self._stream = stream
        self._timeout = timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        received = self._stream.receive(len(view), timeout=self._timeout)
        view[: len(received)] = received
        return len(received)


@contextmanager
def _http_errors() -> Iterator[None]:
    """Turn the errors of `http.client`, some of which name the URL, into others."""
    try:
        yield
    except http.client.IncompleteRead:
        raise _cut_off() from None
    except http.client.RemoteDisconnected:
        raise  # it is an error of the system's kind, too
    except http.client.HTTPException as error:
        kind = type(error).__name__
        raise EngineError(f"The engine's answer is not HTTP as it should be ({kind}).") from None


def _cut_off() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the answer ended before it was complete")


def _unpacked(chunks: Iterator[bytes], *, may_be_raw: bool) -> Iterator[bytes]:
    """Unpack gzip or deflate in bounded pieces: a small answer may unpack to any size."""
    unpacker = None
    for chunk in chunks:
        while chunk:
            if unpacker is None or unpacker.eof:  # the first member, or another one
                unpacker = _new_unpacker(chunk[0] if may_be_raw else None)
            yield from _pieces(unpacker, chunk)
            chunk = unpacker.unused_data
    if unpacker is None or not unpacker.eof:
        raise _cut_off()


def _new_unpacker(first: int | None) -> zlib._Decompress:
    """Return what unpacks gzip and zlib, and bare deflate if no other can begin with this byte.

    `deflate` means zlib (RFC 9110, 8.4.1.2), but some servers leave its head and checksum out.
    """
    if first is not None and first & 0x0F not in (0x08, 0x0F):
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip and zlib are told apart


def _pieces(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece = unpacker.decompress(packed, RECEIVE_BYTES)
            packed = unpacker.unconsumed_tail
            if piece:
                yield piece
            # A full piece may have more behind it, although all that came is taken in.
            if not packed and len(piece) < RECEIVE_BYTES:
                return
    except zlib.error as error:
        raise EngineError("The engine's answer is packed, and damaged.") from error
