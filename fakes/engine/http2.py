"""HTTP/2 with prior knowledge on an engine's own socket, which Docker speaks there from 29 on.

A connection whose first request is a call of gRPC is BuildKit's. On any other the API is answered
as over HTTP/1.1, but for what takes a connection over: a stream of HTTP/2 is none.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hpack

from ..http import messages
from ..http.http1 import complete

Answer = Callable[[messages.Request], messages.Response]
Serve = Callable[[socket.socket, bytes], None]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_PIECE = 64 * 1024
_MOST_STREAMS, _WINDOW, _HEADER_BYTES = 250, 1024 * 1024, 1_048_896
_HEAD = 9
_HEADERS, _CONTINUATION, _SETTINGS = 1, 9, 4
_PADDED, _PRIORITY, _LAST_HEADERS = 0x8, 0x20, 0x4
_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})


def serve_http2(
    connection: socket.socket, begun: bytes, answer: Answer, serve_calls: Serve | None
) -> None:
    """Serve a connection of HTTP/2 to its end.

    Args:
        connection: the connection.
        begun: what was read from it already.
        answer: answers requests of the API.
        serve_calls: serves the connection to its end if it is one of gRPC, with what was read
            of it.
    """
    with suppress(OSError):
        # Clients may wait for the server's settings before they ask for anything.
        connection.sendall(_first_settings())
        begun, first = _until_request(connection, begun)
        kind = dict(first).get("content-type", "")
        if kind.startswith("application/grpc") and serve_calls is not None:
            serve_calls(connection, begun)
        elif first:
            _Conversation(connection, answer).run(begun)


def _first_settings() -> bytes:
    """A frame of settings; what else holds is told when it is known who serves the connection."""
    values = struct.pack(">HI", h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS, _MOST_STREAMS)
    return len(values).to_bytes(3, "big") + bytes([_SETTINGS, 0]) + bytes(4) + values


def _until_request(connection: socket.socket, begun: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """Read until the headers of the first request are there.

    Returns:
        All that was read, and the headers; none if the client ended before.
    """
    data, position, block = bytearray(begun), len(_PREFACE), b""

    def has(size: int) -> bool:
        while len(data) < size:
            if not (more := connection.recv(_PIECE)):
                return False
            data.extend(more)
        return True

    while has(position + _HEAD):
        size = int.from_bytes(data[position : position + 3], "big")
        kind, flags = data[position + 3], data[position + 4]
        if not has(position + _HEAD + size):
            break
        content = bytes(data[position + _HEAD : position + _HEAD + size])
        position += _HEAD + size
        if kind not in (_HEADERS, _CONTINUATION):
            continue
        block += _fragment(content, flags) if kind == _HEADERS else content
        if flags & _LAST_HEADERS:
            return bytes(data), _decoded(block)
    return bytes(data), []


def _fragment(content: bytes, flags: int) -> bytes:
    """Return the part of a frame of headers that has headers."""
    padding = content[0] if flags & _PADDED and content else 0
    start = (1 if flags & _PADDED else 0) + (5 if flags & _PRIORITY else 0)
    return content[start : len(content) - padding]


def _decoded(block: bytes) -> list[tuple[str, str]]:
    try:
        return [(_text(name), _text(value)) for name, value in hpack.Decoder().decode(block)]
    except hpack.HPACKError:
        return []


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


class _Stream:
    """One request on the connection: its body as it comes, and whether the client has gone."""

    def __init__(self) -> None:
        self.body: SimpleQueue[bytes | None] = SimpleQueue()
        self.is_gone = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the body."""
        while (piece := self.body.get()) is not None:
            yield piece

    def leave(self) -> None:
        """Note that the client has gone."""
        self.is_gone = True
        self.body.put(None)


class _Conversation:
    """Answers the requests of one connection, each in a thread of its own."""

    def __init__(self, connection: socket.socket, answer: Answer) -> None:
        self._connection = connection
        self._answer = answer
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config)
        self._changed = threading.Condition()
        self._streams: dict[int, _Stream] = {}
        self._threads: list[threading.Thread] = []

    def run(self, begun: bytes) -> None:
        """Answer requests until the client ends."""
        codes = h2.settings.SettingCodes
        self._h2.initiate_connection()
        self._h2.update_settings(
            {
                codes.MAX_CONCURRENT_STREAMS: _MOST_STREAMS,
                codes.INITIAL_WINDOW_SIZE: _WINDOW,
                codes.MAX_FRAME_SIZE: _WINDOW,
                codes.MAX_HEADER_LIST_SIZE: _HEADER_BYTES,
            }
        )
        data = begun
        try:
            while data and self._receive(data):
                data = self._connection.recv(_PIECE)
        finally:
            with self._changed:
                for stream in self._streams.values():
                    stream.leave()
                self._changed.notify_all()
            for thread in self._threads:
                thread.join()

    def _receive(self, data: bytes) -> bool:
        """Take bytes of the client; return whether it goes on."""
        with self._changed:
            try:
                events = self._h2.receive_data(data)
            except h2.exceptions.ProtocolError:
                self._flush()
                return False
            for event in events:
                self._take(event)
            goes_on = not any(isinstance(e, h2.events.ConnectionTerminated) for e in events)
            self._changed.notify_all()
            self._flush()
        return goes_on

    def _take(self, event: h2.events.Event) -> None:
        number = int(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.RequestReceived):
            self._begin(number, event.headers or [])
        elif isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length or 0, number)
        stream = self._streams.get(number)
        if stream is None:
            return
        if isinstance(event, h2.events.DataReceived):
            stream.body.put(bytes(event.data or b""))
        elif isinstance(event, h2.events.StreamEnded):
            stream.body.put(None)
        elif isinstance(event, h2.events.StreamReset):
            del self._streams[number]
            stream.leave()

    def _begin(self, number: int, headers: Iterable[tuple[str | bytes, str | bytes]]) -> None:
        stream = self._streams[number] = _Stream()
        found = [(_text(name), _text(value)) for name, value in headers]
        own = {name: value for name, value in found if name.startswith(":")}
        fields = [(name, value) for name, value in found if not name.startswith(":")]
        fields.insert(0, ("host", own.get(":authority", "")))
        request = messages.Request(
            own.get(":method", "GET"),
            own.get(":path", "/"),
            messages.Headers(fields),
            stream.pieces(),
            is_abandoned=lambda: stream.is_gone,
        )
        thread = threading.Thread(
            target=self._exchange, args=(number, stream, request), name="fake-docker", daemon=True
        )
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    # --- answers --------------------------------------------------------------

    def _exchange(self, number: int, stream: _Stream, request: messages.Request) -> None:
        with suppress(OSError, h2.exceptions.ProtocolError):
            try:
                response = self._answer(request)
            except messages.ConnectionCutError:
                self._connection.shutdown(socket.SHUT_RDWR)
                return
            if response.hijack is not None:
                self._reset(number)
                return
            self._send(number, stream, request, response)
        with self._changed:
            self._streams.pop(number, None)

    def _send(
        self, number: int, stream: _Stream, request: messages.Request, response: messages.Response
    ) -> None:
        complete(response)
        fields = [
            (name.lower(), value)
            for name, value in response.headers
            if name.lower() not in _OF_CONNECTIONS
        ]
        body: Iterable[messages.Buffer] = (response.body,)
        if response.stream is not None:
            body = response.stream
        with self._changed:
            self._h2.send_headers(number, [(":status", str(response.status)), *fields])
            self._flush()
        sent, limit = 0, response.cut_after
        try:
            for piece in () if request.method == "HEAD" else body:
                data = bytes(piece)
                if limit is not None:
                    data = data[: limit - sent]
                sent += len(data)
                if stream.is_gone or not self._send_data(number, stream, data):
                    return
        finally:
            if (close := getattr(response.stream, "close", None)) is not None:
                close()
        if limit is not None:
            self._connection.shutdown(socket.SHUT_RDWR)
            return
        with self._changed:
            self._h2.end_stream(number)
            self._flush()

    def _send_data(self, number: int, stream: _Stream, data: bytes) -> bool:
        """Send a piece as the client's windows allow; return whether the client is still there."""
        while data:
            with self._changed:
                while not (room := self._h2.local_flow_control_window(number)):
                    self._changed.wait()
                    if stream.is_gone:
                        return False
                size = min(room, self._h2.max_outbound_frame_size, len(data))
                self._h2.send_data(number, data[:size])
                self._flush()
            data = data[size:]
        return True

    def _reset(self, number: int) -> None:
        with self._changed:
            self._h2.reset_stream(number, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._flush()

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self._connection.sendall(data)
