"""gRPC calls on an HTTP/2 connection, in both roles, as a state machine.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md

It is longer than other modules: one state machine, with the events that it tells.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import field

from imagebuilders.buildkit.transport import http2
from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.buildkit.transport.http2 import Http2Connection, Role
from imagebuilders.buildkit.transport.messages import PREFIX_BYTES, MessageReader, encode_message
from imagebuilders.buildkit.transport.status import (
    Code,
    Metadata,
    RpcStatus,
    read_status,
    status_of_http,
    status_of_reset,
)
from imagebuilders.lazy_dataclass import dataclass

LARGE_BYTES = http2.STREAM_WINDOW_BYTES // 2
"""A larger message opens the window as it comes, for it may not fit; others when they are used."""

MAX_LARGE_BYTES = 64 * 1024 * 1024
"""So many bytes of large messages are kept for all calls of a connection."""

_NAME = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")
# What belongs to HTTP/1.1; HTTP/2 forbids it.
_FORBIDDEN = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host"}
)
_NO_ERROR = 0x0
_CANCEL = 0x8


@dataclass(frozen=True)
class CallOpened:
    """The peer makes a call; only the server role meets this."""

    call: int
    path: str
    metadata: Metadata


@dataclass(frozen=True)
class MetadataReceived:
    """The headers of an answer; only the client role meets this."""

    call: int
    metadata: Metadata


@dataclass(frozen=True)
class MessageReceived:
    """A whole message. `used` is to be called once it is, message by message in their order."""

    call: int
    message: bytes


@dataclass(frozen=True)
class PeerHalfClosed:
    """The caller sends no more messages; only the server role meets this."""

    call: int


@dataclass(frozen=True)
class CallFinished:
    """The call is over: answered (client role), or broken off by the peer (both)."""

    call: int
    status: RpcStatus
    trailers: Metadata = ()


@dataclass(frozen=True)
class PeerReady:
    """The peer speaks HTTP/2."""


CallEvent = (
    CallOpened | MetadataReceived | MessageReceived | PeerHalfClosed | CallFinished | PeerReady
)


@dataclass
class _Call:
    reader: MessageReader = field(default_factory=MessageReader)
    told: deque[tuple[int, int]] = field(default_factory=deque)
    """Of each message that was told and not used: by how much its use opens the window, and by
    how much its coming did."""
    early: int = 0
    """By how much the message that is not whole yet has opened the window."""
    is_answered: bool = False
    """Whether headers of the answer were sent (server) or came (client)."""
    status: RpcStatus | None = None
    """The status, where it came before the end of the answer."""


class CallMachine:
    """The calls of one connection. Not for several threads at once."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._http = Http2Connection(role)
        self._calls: dict[int, _Call] = {}
        self._large = 0
        self._last_accepted: int | None = None

    # --- in ------------------------------------------------------------------

    def receive(self, data: bytes) -> list[CallEvent]:
        """Take bytes of the peer; return what they mean.

        Raises:
            ProtocolError: they break the protocol; the connection is at its end.
        """
        return [event for found in self._http.receive(data) for event in self._translate(found)]

    def used(self, call: int) -> None:
        """Let the peer send more: the oldest message of a call that was told is used."""
        state = self._calls.get(call)
        if state is not None and state.told:
            owed, early = state.told.popleft()
            self._large -= early
            self._http.open_window(call, owed)

    # --- out -----------------------------------------------------------------

    @property
    def may_call(self) -> bool:
        """Whether one more call may be made now."""
        return self._last_accepted is None and self._http.may_open_stream

    @property
    def goes_away(self) -> bool:
        """Whether the peer takes no more calls on this connection."""
        return self._last_accepted is not None

    def call(self, path: str, metadata: Metadata = (), *, authority: str = "localhost") -> int:
        """Begin a call; return its number.

        Args:
            path: `/package.Service/Method`.
            metadata: headers; values of names that end in `-bin` are base64.
            authority: the host's name.

        Raises:
            ProtocolError: the connection takes no more calls, or a header cannot be sent.
        """
        for name, value in metadata:
            if not _NAME.fullmatch(name) or name in _FORBIDDEN or not _VALUE.fullmatch(value):
                raise ProtocolError(f"the header {name!r} cannot be sent")
        if self._last_accepted is not None:
            raise ProtocolError("the peer takes no more calls on this connection")
        number = self._http.open_stream(
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", path),
                (":authority", authority),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "imagebuilders"),
                *metadata,
            ]
        )
        self._calls[number] = _Call()
        return number

    def send(self, call: int, message: bytes, *, last: bool = False) -> None:
        """Queue a message, and with `last` the end of this side. Without effect after the end."""
        self._send(call, encode_message(message), last=last and self.role is Role.CLIENT)

    def send_all(self, call: int, messages: Iterable[bytes]) -> None:
        """Queue messages as one piece of content. Without effect after the end."""
        self._send(call, b"".join(map(encode_message, messages)), last=False)

    def _send(self, call: int, content: bytes, *, last: bool) -> None:
        state = self._calls.get(call)
        if state is None:
            return
        if self.role is Role.SERVER:
            self._answer(call, state)
        self._http.send_data(call, content, ended=last)

    def half_close(self, call: int) -> None:
        """Say that no more messages come (client role)."""
        self._http.send_data(call, b"", ended=True)

    def finish(self, call: int, status: RpcStatus | None = None) -> None:
        """End a call of the peer's (server role), behind the messages that are queued."""
        state = self._forget(call)
        if state is None:
            return
        trailers = (status or RpcStatus()).trailers()
        if state.is_answered:
            self._http.send_trailers(call, trailers)
        else:
            self._http.send_headers(call, [*_ANSWER, *trailers], ended=True)

    def cancel(self, call: int) -> None:
        """Break a call off, whichever side began it."""
        if self._forget(call) is not None:
            self._http.reset(call, _CANCEL)

    def answer(self, call: int, metadata: Metadata = ()) -> None:
        """Send the headers of an answer before its first message (server role)."""
        state = self._calls.get(call)
        if state is not None:
            self._answer(call, state, metadata)

    def ping(self) -> None:
        """Have the peer send something."""
        self._http.ping()

    def close(self) -> None:
        """Tell the peer that the connection ends."""
        self._http.close()

    def queued(self, call: int) -> int:
        """Return how many bytes of a call wait to be sent."""
        return self._http.queued(call)

    @property
    def has_output(self) -> bool:
        """Whether there is anything to send now."""
        return self._http.has_output

    def take_output(self) -> bytes:
        """Return the bytes to send now."""
        return self._http.take_output()

    # --- inside --------------------------------------------------------------

    def _answer(self, call: int, state: _Call, metadata: Metadata = ()) -> None:
        if not state.is_answered:
            state.is_answered = True
            self._http.send_headers(call, [*_ANSWER, *metadata])

    def _forget(self, call: int) -> _Call | None:
        """Drop a call that is over; what it kept of the peer's window is given back."""
        state = self._calls.pop(call, None)
        if state is not None:
            self._large -= state.early + sum(early for _, early in state.told)
            self._http.open_window(call, sum(owed for owed, _ in state.told))
        return state

    def _translate(self, event: http2.Event) -> Iterator[CallEvent]:
        match event:
            case http2.HeadersReceived():
                yield from self._headers(event)
            case http2.DataReceived():
                yield from self._data(event)
            case http2.StreamEnded():
                yield from self._ended(event.stream)
            case http2.StreamReset():
                yield from self._over(event.stream, status_of_reset(event.error_code))
            case http2.SettingsReceived():
                yield PeerReady()
            case http2.PeerGoesAway():
                self._last_accepted = event.last_stream
                if self.role is Role.CLIENT:
                    refused = [number for number in self._calls if number > event.last_stream]
                    for number in refused:
                        yield from self._over(
                            number, RpcStatus(Code.UNAVAILABLE, "the peer takes no more calls")
                        )

    def _headers(self, event: http2.HeadersReceived) -> Iterator[CallEvent]:
        if self.role is Role.SERVER:
            if event.stream in self._calls:
                return  # trailers of a request carry nothing in gRPC
            fields = dict(event.headers)
            self._calls[event.stream] = _Call()
            yield CallOpened(event.stream, fields.get(":path", ""), _metadata(event.headers))
            return
        state = self._calls.get(event.stream)
        if state is None:
            return
        status = read_status(event.headers)
        if status is None and state.status is None and not state.is_answered:
            code = dict(event.headers).get(":status", "")
            if code != "200":
                yield from self._over(event.stream, status_of_http(code))
                self._http.reset(event.stream, _CANCEL)
                return
            state.is_answered = True
            yield MetadataReceived(event.stream, _metadata(event.headers))
        state.status = status or state.status
        if event.ended:
            yield from self._answered(event.stream, state, _metadata(event.headers))

    def _answered(self, stream: int, state: _Call, trailers: Metadata = ()) -> Iterator[CallEvent]:
        """End a call whose answer is whole (client role)."""
        status = state.status or RpcStatus(Code.UNKNOWN, "the answer ended without a status")
        if status.code == Code.OK and not state.reader.is_between_messages:
            status = RpcStatus(Code.INTERNAL, "the answer ended within a message")
        yield from self._over(stream, status, trailers)
        # The request's other half is of no use any more.
        self._http.reset(stream, _NO_ERROR)

    def _data(self, event: http2.DataReceived) -> Iterator[CallEvent]:
        state = self._calls.get(event.stream)
        if state is None:
            self._http.open_window(event.stream, event.flow)
            return
        refusal = ""
        messages: list[bytes] = []
        try:
            messages = state.reader.feed(event.data)
        except ProtocolError as error:
            refusal = str(error)
        opening = self._account(state, messages, event)
        if self._large > MAX_LARGE_BYTES:
            refusal = "too many large messages come at the same time"
        if refusal:
            self._http.open_window(event.stream, event.flow)
            yield from self._over(event.stream, RpcStatus(Code.RESOURCE_EXHAUSTED, refusal))
            self._http.reset(event.stream, _CANCEL)
            return
        self._http.open_window(event.stream, opening)
        for message in messages:
            yield MessageReceived(event.stream, message)

    def _account(self, state: _Call, messages: list[bytes], event: http2.DataReceived) -> int:
        """Note by how much each message opens the window; return by how much it opens now."""
        before = state.early
        padding = event.flow - len(event.data)
        for message in messages:
            state.told.append((len(message) + PREFIX_BYTES - state.early, state.early))
            state.early = 0
        if state.reader.announced > LARGE_BYTES:
            state.early = state.reader.buffered
        grown = state.early if messages else state.early - before
        self._large += grown
        return grown + padding

    def _ended(self, stream: int) -> Iterator[CallEvent]:
        state = self._calls.get(stream)
        if state is None:
            return
        if self.role is Role.SERVER:
            yield PeerHalfClosed(stream)
        else:
            yield from self._answered(stream, state)

    def _over(self, stream: int, status: RpcStatus, trailers: Metadata = ()) -> Iterator[CallEvent]:
        if self._forget(stream) is not None:
            yield CallFinished(stream, status, trailers)


_ANSWER = ((":status", "200"), ("content-type", "application/grpc"))


def _metadata(headers: Metadata) -> Metadata:
    return tuple((name, value) for name, value in headers if not name.startswith(":"))
