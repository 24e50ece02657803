"""gRPC calls on an HTTP/2 connection, in both roles, as a state machine.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imagebuilders.buildkit.transport import http2
from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.buildkit.transport.http2 import Http2Connection, Role
from imagebuilders.buildkit.transport.messages import MessageReader, encode_message
from imagebuilders.buildkit.transport.status import (
    Code,
    Metadata,
    RpcStatus,
    read_status,
    status_of_http,
    status_of_reset,
)

HELD_BYTES = 1024 * 1024
"""So many bytes of whole messages may wait to be used before a call's window closes."""

_CANCEL = 0x8
_NO_ERROR = 0x0
_REFUSED_STREAM = 0x7


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
    """A whole message. `used` is to be called with its size once it is."""

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


CallEvent = CallOpened | MetadataReceived | MessageReceived | PeerHalfClosed | CallFinished


@dataclass
class _Call:
    reader: MessageReader = field(default_factory=MessageReader)
    held: int = 0
    """Bytes of messages that were told and not used."""
    owed: int = 0
    """Bytes that the window was not opened for again yet."""
    is_answered: bool = False
    """Whether headers of the answer were sent (server) or came (client)."""
    is_over: bool = False


class CallMachine:
    """The calls of one connection. Not for several threads at once."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._http = Http2Connection(role)
        self._calls: dict[int, _Call] = {}
        self._last_accepted: int | None = None

    # --- in ------------------------------------------------------------------

    def receive(self, data: bytes) -> list[CallEvent]:
        """Take bytes of the peer; return what they mean.

        Raises:
            ProtocolError: they break the protocol; the connection is at its end.
        """
        return [event for found in self._http.receive(data) for event in self._translate(found)]

    def used(self, call: int, size: int) -> None:
        """Let the peer send more: a message of that size is used."""
        state = self._calls.get(call)
        if state is not None:
            state.held -= size
            self._open_window(call, state)

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
            ProtocolError: the connection takes no more calls.
        """
        if self._last_accepted is not None:
            raise ProtocolError("the peer takes no more calls on this connection")
        number = self._http.next_stream()
        self._calls[number] = _Call()
        self._http.send_headers(
            number,
            [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", path),
                (":authority", authority),
                ("content-type", "application/grpc"),
                ("te", "trailers"),
                ("user-agent", "imagebuilders"),
                *metadata,
            ],
        )
        return number

    def send(self, call: int, message: bytes, *, last: bool = False) -> None:
        """Queue a message, and with `last` the end of this side. Without effect after the end."""
        state = self._calls.get(call)
        if state is None or state.is_over:
            return
        if self.role is Role.SERVER:
            self._answer(call, state)
        self._http.send_data(call, encode_message(message), ended=last and self.role is Role.CLIENT)

    def send_all(self, call: int, messages: Iterable[bytes]) -> None:
        """Queue messages as one piece of content. Without effect after the end."""
        state = self._calls.get(call)
        if state is None or state.is_over:
            return
        if self.role is Role.SERVER:
            self._answer(call, state)
        self._http.send_data(call, b"".join(map(encode_message, messages)))

    def half_close(self, call: int) -> None:
        """Say that no more messages come (client role)."""
        self._http.send_data(call, b"", ended=True)

    def finish(self, call: int, status: RpcStatus | None = None) -> None:
        """End a call of the peer's (server role), behind the messages that are queued."""
        state = self._calls.pop(call, None)
        if state is None:
            return
        trailers = (status or RpcStatus()).trailers()
        if state.is_answered:
            self._http.send_trailers(call, trailers)
        else:
            self._http.send_headers(call, [*_ANSWER, *trailers], ended=True)

    def cancel(self, call: int) -> None:
        """Break a call off, whichever side began it."""
        if self._calls.pop(call, None) is not None:
            self._http.reset(call, _CANCEL)

    def answer(self, call: int, metadata: Metadata = ()) -> None:
        """Send the headers of an answer before its first message (server role)."""
        state = self._calls.get(call)
        if state is not None:
            self._answer(call, state, metadata)

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

    def _open_window(self, call: int, state: _Call) -> None:
        if state.owed and state.held < HELD_BYTES:
            self._http.open_window(call, state.owed)
            state.owed = 0

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
        if status is None and not state.is_answered:
            fields = dict(event.headers)
            code = fields.get(":status", "")
            if code != "200":
                yield from self._over(event.stream, status_of_http(code))
                self._http.reset(event.stream, _CANCEL)
                return
            state.is_answered = True
            yield MetadataReceived(event.stream, _metadata(event.headers))
        elif event.ended:
            status = status or RpcStatus(Code.UNKNOWN, "the answer ended without a status")
            if status.code == Code.OK and not state.reader.is_between_messages:
                status = RpcStatus(Code.INTERNAL, "the answer ended within a message")
            yield from self._over(event.stream, status, _metadata(event.headers))
            # The request's other half is of no use any more.
            self._http.reset(event.stream, _NO_ERROR)

    def _data(self, event: http2.DataReceived) -> Iterator[CallEvent]:
        state = self._calls.get(event.stream)
        if state is None or state.is_over:
            self._http.open_window(event.stream, event.flow)
            return
        try:
            messages = state.reader.feed(event.data)
        except ProtocolError as error:
            yield from self._over(event.stream, RpcStatus(Code.RESOURCE_EXHAUSTED, str(error)))
            self._http.open_window(event.stream, event.flow)
            self._http.reset(event.stream, _CANCEL)
            return
        state.held += sum(map(len, messages))
        state.owed += event.flow
        self._open_window(event.stream, state)
        for message in messages:
            yield MessageReceived(event.stream, message)

    def _ended(self, stream: int) -> Iterator[CallEvent]:
        state = self._calls.get(stream)
        if state is None:
            return
        if self.role is Role.SERVER:
            yield PeerHalfClosed(stream)
        else:
            yield from self._over(
                stream, RpcStatus(Code.UNKNOWN, "the answer ended without a status")
            )

    def _over(self, stream: int, status: RpcStatus, trailers: Metadata = ()) -> Iterator[CallEvent]:
        state = self._calls.pop(stream, None)
        if state is not None:
            state.is_over = True
            yield CallFinished(stream, status, trailers)


_ANSWER = ((":status", "200"), ("content-type", "application/grpc"))


def _metadata(headers: Metadata) -> Metadata:
    return tuple((name, value) for name, value in headers if not name.startswith(":"))
