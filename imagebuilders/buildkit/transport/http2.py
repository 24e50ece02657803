"""An HTTP/2 connection as a state machine: bytes in, events out; frames in, bytes out.

The frames, their rules and header compression are h2's. Added here is what both roles need
beyond it: data waits for the peer's windows, windows are opened as the data is used, sizes are
bounded, and what arrives for a stream that has ended is passed over.
https://www.rfc-editor.org/rfc/rfc9113

It is longer than other modules: one state machine, with the events that it tells.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import field
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hpack

from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.buildkit.transport.frames import PREFACE_BYTES, FrameFilter
from imagebuilders.lazy_dataclass import dataclass

STREAM_WINDOW_BYTES = 512 * 1024
MAX_STREAMS = 128
"""So many streams the peer may have open at the same time."""

CONNECTION_WINDOW_BYTES = MAX_STREAMS * STREAM_WINDOW_BYTES
"""Large enough that streams that nobody reads never keep the others from being read."""

MAX_HEADER_BYTES = 4 * 1024 * 1024
"""Daemons put a whole Dockerfile, encoded, into the trailers of a failed build."""

OUTPUT_BYTES = 256 * 1024
"""So much is framed ahead of what the byte stream took; the rest waits in its stream's queue."""

MAX_OUTPUT_BYTES = 1024 * 1024
"""A peer that makes this end answer more than it reads (pings, settings, resets) is cut off."""


class Role(enum.Enum):
    """Which end of the connection this is."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True)
class HeadersReceived:
    """Headers of a request or an answer, or trailers."""

    stream: int
    headers: tuple[tuple[str, str], ...]
    ended: bool
    """Whether the stream's other direction ends with them."""


@dataclass(frozen=True)
class DataReceived:
    """Content. `flow` bytes are to be given back with `open_window` once it is used."""

    stream: int
    data: bytes
    flow: int


@dataclass(frozen=True)
class StreamEnded:
    """The peer sends nothing more on the stream."""

    stream: int


@dataclass(frozen=True)
class StreamReset:
    """The peer broke the stream off."""

    stream: int
    error_code: int


@dataclass(frozen=True)
class PeerGoesAway:
    """The peer takes no more streams; those above `last_stream` were not looked at."""

    last_stream: int
    error_code: int


@dataclass(frozen=True)
class SettingsReceived:
    """The peer speaks HTTP/2: its settings are the first thing that it sends."""


Event = HeadersReceived | DataReceived | StreamEnded | StreamReset | PeerGoesAway | SettingsReceived


@dataclass
class _Outgoing:
    """What waits to be sent on a stream."""

    pieces: deque[memoryview] = field(default_factory=deque)
    size: int = 0
    trailers: list[tuple[str, str]] | None = None
    ended: bool = False


class Http2Connection:
    """One connection in one role. Not for several threads at once."""

    def __init__(self, role: Role) -> None:
        """Make the connection; its first bytes are ready to be sent.

        Args:
            role: which end this is.
        """
        self.role = role
        # Values that gRPC allows, such as words that end with a space, are an error to h2.
        config = h2.config.H2Configuration(
            client_side=role is Role.CLIENT, header_encoding=None, validate_inbound_headers=False
        )
        self._h2 = h2.connection.H2Connection(config)
        self._h2.encoder = _PlainEncoder()
        self._filter = FrameFilter(skip=PREFACE_BYTES if role is Role.SERVER else 0)
        self._outgoing: dict[int, _Outgoing] = {}
        # Streams that have something to send, in turn; those whose own window is closed wait apart.
        self._turns: dict[int, None] = {}
        self._blocked: set[int] = set()
        self._output: deque[bytes] = deque()
        self._output_size = 0
        self._h2.initiate_connection()
        # Only settings that are changed after the preface are sent, and count.
        self._h2.update_settings(
            {
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEADER_BYTES,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
            }
        )
        self._h2.increment_flow_control_window(
            CONNECTION_WINDOW_BYTES - self._h2.inbound_flow_control_window
        )
        self._collect()

    # --- in ------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes of the peer; return what they mean.

        Raises:
            ProtocolError: they break the protocol; the connection is at its end, and
                `take_output` holds the words to the peer.
        """
        passed, farewells = self._filter.feed(data)
        events: list[Event] = []
        try:
            for item in self._h2.receive_data(passed):
                events.extend(self._translate(item))
        except h2.exceptions.ProtocolError as error:
            self._collect()
            raise ProtocolError(f"the peer broke the HTTP/2 protocol: {error}") from error
        events.extend(PeerGoesAway(last, code) for last, code in farewells)
        self._fill()
        if self._output_size > MAX_OUTPUT_BYTES:
            raise ProtocolError("the peer does not read the answers to what it sends")
        return events

    def open_window(self, stream: int, flow: int) -> None:
        """Let the peer send `flow` bytes more: those of a `DataReceived` are used."""
        if flow <= 0:
            return
        with suppress(h2.exceptions.ProtocolError):  # the connection or stream is at its end
            self._h2.acknowledge_received_data(flow, stream)
        self._collect()

    # --- out -----------------------------------------------------------------

    @property
    def may_open_stream(self) -> bool:
        """Whether the peer allows one more stream at the same time."""
        return self._h2.open_outbound_streams < self._h2.remote_settings.max_concurrent_streams

    def open_stream(self, headers: Iterable[tuple[str, str]]) -> int:
        """Open a stream with headers; return its number (client role).

        Raises:
            ProtocolError: the connection takes no new stream, or the headers are malformed.
        """
        try:
            stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream, list(headers))
        except (h2.exceptions.ProtocolError, h2.exceptions.NoAvailableStreamIDError) as error:
            raise ProtocolError(f"no call can be made on the connection: {error}") from error
        self._outgoing[stream] = _Outgoing()
        self._collect()
        return stream

    def send_headers(
        self, stream: int, headers: Iterable[tuple[str, str]], *, ended: bool = False
    ) -> None:
        """Send headers of an answer (server role). Without effect after the stream's end."""
        try:
            self._h2.send_headers(stream, list(headers), end_stream=ended)
        except h2.exceptions.ProtocolError:  # it was reset, or the connection ended
            return
        if not ended:
            self._outgoing[stream] = _Outgoing()
        self._collect()

    def send_data(self, stream: int, data: bytes, *, ended: bool = False) -> None:
        """Queue content; it leaves as the peer's windows allow. Without effect after the end."""
        waiting = self._outgoing.get(stream)
        if waiting is None or waiting.ended:
            return
        if data:
            waiting.pieces.append(memoryview(data))
            waiting.size += len(data)
        waiting.ended = ended
        self._queue(stream)

    def send_trailers(self, stream: int, trailers: list[tuple[str, str]]) -> None:
        """End a stream with trailers, behind what is queued. Without effect after the end."""
        waiting = self._outgoing.get(stream)
        if waiting is None or waiting.ended:
            return
        waiting.trailers = trailers
        waiting.ended = True
        self._queue(stream)

    def reset(self, stream: int, error_code: int = h2.errors.ErrorCodes.CANCEL) -> None:
        """Break a stream off. Without effect after the end."""
        self._drop(stream)
        try:
            self._h2.reset_stream(stream, error_code)
        except h2.exceptions.ProtocolError:
            return
        self._collect()

    def ping(self) -> None:
        """Have the peer send something."""
        with suppress(h2.exceptions.ProtocolError):  # the connection ended
            self._h2.ping(b"\0" * 8)
        self._collect()

    def close(self) -> None:
        """Tell the peer that the connection ends."""
        try:
            self._h2.close_connection()
        except h2.exceptions.ProtocolError:
            return
        self._collect()

    def queued(self, stream: int) -> int:
        """Return how many bytes wait to be sent on a stream."""
        waiting = self._outgoing.get(stream)
        return 0 if waiting is None else waiting.size

    @property
    def has_output(self) -> bool:
        """Whether there is anything to send now."""
        return bool(self._output)

    def take_output(self) -> bytes:
        """Return the bytes to send now, and queue more behind them."""
        data = b"".join(self._output)
        self._output.clear()
        self._output_size = 0
        self._fill()
        return data

    # --- inside --------------------------------------------------------------

    def _queue(self, stream: int) -> None:
        if stream not in self._blocked:
            self._turns[stream] = None
        self._fill()

    def _drop(self, stream: int) -> None:
        self._outgoing.pop(stream, None)
        self._turns.pop(stream, None)
        self._blocked.discard(stream)

    def _unblock(self, stream: int) -> None:
        """Let a stream, or with 0 all, be tried again: the peer opened a window."""
        opened = self._blocked & {stream} if stream else self._blocked
        self._turns.update(dict.fromkeys(opened))
        self._blocked = self._blocked - opened

    def _fill(self) -> None:
        """Frame what the windows allow, a frame of each stream in turn."""
        self._collect()
        passes = len(self._turns)  # so many may stand still, one after another, before all do
        while self._turns and passes and self._output_size < OUTPUT_BYTES:
            stream = next(iter(self._turns))
            del self._turns[stream]
            waiting = self._outgoing.get(stream)
            if waiting is None:
                continue
            try:
                progress = self._frame(stream, waiting)
            except h2.exceptions.ProtocolError:
                self._drop(stream)  # it was reset, or the connection ended
                continue
            self._collect()
            passes = len(self._turns) + 1 if progress else passes - 1
            if stream in self._outgoing and (waiting.size or waiting.ended):
                if progress or self._h2.outbound_flow_control_window <= 0:
                    self._turns[stream] = None
                else:
                    self._blocked.add(stream)

    def _frame(self, stream: int, waiting: _Outgoing) -> bool:
        """Frame one piece of a stream; return whether anything could be."""
        last = waiting.ended and waiting.trailers is None
        if not waiting.size:
            if not waiting.ended:
                return False
            if waiting.trailers is None:
                self._h2.end_stream(stream)
            else:
                self._h2.send_headers(stream, waiting.trailers, end_stream=True)
            del self._outgoing[stream]
            return True
        room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
        if room <= 0:
            return False
        piece = self._take(waiting, room)
        last = last and not waiting.size
        self._h2.send_data(stream, piece, end_stream=last)
        if last:
            del self._outgoing[stream]
        return True

    @staticmethod
    def _take(waiting: _Outgoing, room: int) -> bytes:
        """Take up to `room` bytes out of the queue; small pieces are joined."""
        parts: list[memoryview] = []
        taken = 0
        while waiting.pieces and taken < room:
            piece = waiting.pieces[0]
            if len(piece) > room - taken:
                waiting.pieces[0] = piece[room - taken :]
                piece = piece[: room - taken]
            else:
                waiting.pieces.popleft()
            parts.append(piece)
            taken += len(piece)
        waiting.size -= taken
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)

    def _collect(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._output.append(data)
            self._output_size += len(data)

    def _translate(self, item: h2.events.Event) -> Iterator[Event]:
        match item:
            case h2.events.DataReceived():
                yield DataReceived(
                    item.stream_id, item.data or b"", item.flow_controlled_length or 0
                )
            case (
                h2.events.RequestReceived()
                | h2.events.ResponseReceived()
                | h2.events.TrailersReceived()
            ):
                yield HeadersReceived(
                    item.stream_id, _text(item.headers or []), item.stream_ended is not None
                )
            case h2.events.StreamEnded():
                yield StreamEnded(item.stream_id)
            case h2.events.WindowUpdated():
                if item.stream_id:
                    self._unblock(item.stream_id)
            case h2.events.RemoteSettingsChanged():
                self._unblock(0)  # the windows of all streams may have grown
                yield SettingsReceived()
            case h2.events.StreamReset():
                self._drop(item.stream_id)
                yield StreamReset(item.stream_id, int(item.error_code or 0))
            case _:
                pass  # pings, priorities and pushes are h2's own affair


class _PlainEncoder(hpack.Encoder):
    """Compresses headers without Huffman's code, which takes hpack minutes for a long value."""

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:  # noqa: ARG002
        return super().encode(headers, huffman=False)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
