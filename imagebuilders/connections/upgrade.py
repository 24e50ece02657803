"""A connection turned into a byte stream of another protocol: HTTP/1.1's `Connection: Upgrade`.

What the daemon answers decides: 101 makes a stream of the connection, anything else is closed
unread. https://www.rfc-editor.org/rfc/rfc9110#name-upgrade
"""

from __future__ import annotations

import re
import selectors
import time
from collections.abc import Mapping, Sequence

from imagebuilders.connections.nonblocking import NonBlockingStream, non_blocking
from imagebuilders.connections.streams import SocketLike
from imagebuilders.exceptions import EngineError

UPGRADE_SECONDS = 20.0
"""So long the engine may take to answer."""

_MAX_HEAD_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r?\n)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_BREAKS = re.compile(r"[\r\n\0]")


class UpgradeRefusedError(EngineError):
    """The engine answered something else than 101.

    Attributes:
        status: the answer's HTTP status; `None` when there was no answer of HTTP.
        reason: what happened, as in `it answered with HTTP status 404`.
    """

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.reason = (
            "it closed the connection without an answer"
            if status is None
            else f"it answered with HTTP status {status}"
        )
        super().__init__(f"The engine does not let the connection be upgraded: {self.reason}.")


def upgrade_connection(
    connected: SocketLike,
    target: str,
    own_headers: Mapping[str, str],
    *,
    protocol: str = "h2c",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    timeout: float = UPGRADE_SECONDS,
) -> NonBlockingStream:
    """Ask a daemon to speak another protocol on a connection.

    Args:
        connected: the connection; it is closed when this fails.
        target: the path with its query, or the whole URL where a proxy forwards requests.
        own_headers: the headers that every request to this daemon needs.
        protocol: the protocol's name.
        headers: further headers; a name may come more than once.
        body: what is sent behind them.
        timeout: seconds that the daemon may take to answer.

    Returns:
        The connection, with what came right behind the daemon's answer.

    Raises:
        UpgradeRefusedError: the daemon has no such thing; what it answered was closed unread.
        OSError: the connection failed, or the daemon did not answer in time.
    """
    stream = non_blocking(connected)
    try:
        own = {**own_headers, "Connection": "Upgrade", "Upgrade": protocol}
        lines = [f"POST {target} HTTP/1.1", f"Content-Length: {len(body)}"]
        lines += [_line(name, value) for name, value in (*own.items(), *headers)]
        head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body
        begun = _Handshake(stream, time.monotonic() + timeout).run(head)
    except BaseException:
        stream.close()
        raise
    return _Begun(stream, begun) if begun else stream


def _line(name: str, value: str) -> str:
    return f"{name}: {_LINE_BREAKS.sub(' ', value)}"


class _Handshake:
    """One request and the head of its answer, on a stream that does not wait."""

    def __init__(self, stream: NonBlockingStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def run(self, head: bytes) -> bytes:
        """Send a request; return what came behind the head of the answer 101.

        Raises:
            UpgradeRefusedError: another answer came, or the end.
            TimeoutError: nothing came in time.
        """
        left = memoryview(head)
        while left:
            try:
                left = left[self._stream.write(left) :]
            except (BrokenPipeError, ConnectionResetError):
                break  # an engine that refuses may close before it has read; what it said counts
            if left:
                self._wait(selectors.EVENT_WRITE)
        return self._read_head()

    def _read_head(self) -> bytes:
        came = b""
        while True:
            try:
                data = self._stream.read()
            except ConnectionResetError:
                data = b""
            if data is None:
                self._wait(selectors.EVENT_READ)
                continue
            came += data
            found = _STATUS_LINE.match(came)
            if found is not None and found[1] != b"101":
                raise UpgradeRefusedError(int(found[1]))
            if not data or len(came) > _MAX_HEAD_BYTES:
                raise UpgradeRefusedError(None)
            end = _HEAD_END.search(came)
            if end is not None:
                if found is None:
                    raise UpgradeRefusedError(None)
                return came[end.end() :]

    def _wait(self, event: int) -> None:
        reading = event == selectors.EVENT_READ
        with selectors.DefaultSelector() as selector:
            selector.register(
                self._stream.read_descriptor() if reading else self._stream.write_descriptor(),
                event,
            )
            if not selector.select(max(0.0, self._deadline - time.monotonic())):
                raise TimeoutError("timed out")


class _Begun:
    """A stream of which some bytes were read already."""

    def __init__(self, stream: NonBlockingStream, begun: bytes) -> None:
        self._stream = stream
        self._begun = begun
        self.read_descriptor = stream.read_descriptor
        self.write_descriptor = stream.write_descriptor
        self.write = stream.write
        self.close = stream.close

    def read(self) -> bytes | None:
        """Return the bytes that were read, then what comes."""
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        return self._stream.read()
