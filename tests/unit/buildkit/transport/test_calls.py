"""gRPC's calls on HTTP/2: both ends against each other, and against peers that misbehave."""

from __future__ import annotations

from collections.abc import Callable

import hpack
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagebuilders.buildkit.transport import http2
from imagebuilders.buildkit.transport.calls import (
    CallEvent,
    CallFinished,
    CallMachine,
    CallOpened,
    MessageReceived,
    MetadataReceived,
    PeerHalfClosed,
    PeerReady,
)
from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.buildkit.transport.http2 import Role
from imagebuilders.buildkit.transport.messages import encode_message
from imagebuilders.buildkit.transport.status import Code, RpcStatus


class _Pair:
    """Two ends that are joined; what they send is passed on in pieces."""

    def __init__(self, piece: int = 1 << 20) -> None:
        self.client = CallMachine(Role.CLIENT)
        self.server = CallMachine(Role.SERVER)
        self.of_client: list[CallEvent] = []
        self.of_server: list[CallEvent] = []
        self._piece = piece
        self.run()

    def run(self, *, use: bool = True) -> None:
        """Pass on what is to be sent until nothing is; messages are used as they come."""
        while self.client.has_output or self.server.has_output:
            self._pass(self.client, self.server, self.of_server, use=use)
            self._pass(self.server, self.client, self.of_client, use=use)

    def _pass(
        self, sender: CallMachine, receiver: CallMachine, events: list[CallEvent], *, use: bool
    ) -> None:
        data = sender.take_output()
        for begin in range(0, len(data), self._piece):
            for event in receiver.receive(data[begin : begin + self._piece]):
                events.append(event)
                if use and isinstance(event, MessageReceived):
                    receiver.used(event.call)

    def opened(self) -> int:
        """Begin a call; return its number."""
        number = self.client.call("/a.B/C", (("name", "value"),))
        self.run()
        return number


def _messages(events: list[CallEvent]) -> list[bytes]:
    return [event.message for event in events if isinstance(event, MessageReceived)]


def _finished(events: list[CallEvent]) -> list[RpcStatus]:
    return [event.status for event in events if isinstance(event, CallFinished)]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.binary(max_size=70_000), max_size=4),
    st.lists(st.binary(max_size=70_000), max_size=4),
    st.integers(1, 100_000),
)
def test_both_ends_understand_each_other(
    requests: list[bytes], answers: list[bytes], piece: int
) -> None:
    """Messages, their end and the status arrive, however the bytes are cut."""
    pair = _Pair(max(piece, sum(map(len, requests + answers)) // 500))
    call = pair.opened()
    for request in requests:
        pair.client.send(call, request)
    pair.client.half_close(call)
    pair.run()
    for answer in answers:
        pair.server.send(call, answer)
    pair.server.finish(call, RpcStatus(Code.NOT_FOUND, "100 % of it is missing: é"))
    pair.run()
    opened = next(event for event in pair.of_server if isinstance(event, CallOpened))
    assert (opened.path, ("name", "value") in opened.metadata) == ("/a.B/C", True)
    assert _messages(pair.of_server) == requests
    assert [event for event in pair.of_server if isinstance(event, PeerHalfClosed)]
    assert _messages(pair.of_client) == answers
    assert _finished(pair.of_client) == [RpcStatus(Code.NOT_FOUND, "100 % of it is missing: é")]
    answered = [event for event in pair.of_client if isinstance(event, MetadataReceived)]
    assert len(answered) == (1 if answers else 0)
    assert [event for event in pair.of_client if isinstance(event, PeerReady)]


def test_a_message_larger_than_all_windows_arrives() -> None:
    """Windows open for a message that is not whole yet, both ways."""
    pair = _Pair()
    call = pair.opened()
    large = b"m" * 10_000_000
    pair.client.send(call, large, last=True)
    pair.server.send(call, large)
    pair.run()
    pair.server.finish(call)
    pair.run()
    assert _messages(pair.of_server) == [large]
    assert _messages(pair.of_client) == [large]
    assert _finished(pair.of_client) == [RpcStatus()]


def test_messages_that_nobody_uses_close_their_own_window_alone() -> None:
    """What is not read is bounded by its window; other calls, such as a health check, go on."""
    pair = _Pair()
    stalled = [pair.opened() for _ in range(20)]
    for call in stalled:
        for _ in range(100):
            pair.client.send(call, b"x" * 16_000)
    pair.run(use=False)
    told = sum(map(len, _messages(pair.of_server)))
    assert told <= 20 * http2.STREAM_WINDOW_BYTES
    health = pair.opened()
    pair.client.send(health, b"how are you", last=True)
    pair.run(use=False)
    assert _messages(pair.of_server)[-1] == b"how are you"

    for event in list(pair.of_server):
        if isinstance(event, MessageReceived) and event.call == stalled[0]:
            pair.server.used(event.call)
    pair.run()
    of_first = [
        event
        for event in pair.of_server
        if isinstance(event, MessageReceived) and event.call == stalled[0]
    ]
    assert len(of_first) == 100


def test_messages_in_any_frames_are_bounded_by_their_window() -> None:
    """Also when each frame ends just before a message does."""
    peer = _Peer(Role.SERVER)
    peer.receive(peer.request(1))
    message = encode_message(b"x" * 8000)
    peer.receive(peer.data(1, message[:-1]))
    sent = len(message) - 1
    with pytest.raises(ProtocolError):
        _repeat(lambda: peer.receive(peer.data(1, message[-1:] + message[:-1])), 1000)
    assert sent < http2.STREAM_WINDOW_BYTES


def test_windows_of_calls_that_ended_unread_are_given_back() -> None:
    """A connection does not lose room with every call that nobody read to its end."""
    pair = _Pair()
    for _ in range(300):
        call = pair.opened()
        pair.client.send(call, b"x" * 400_000, last=True)
        pair.run(use=False)
        pair.server.finish(call)
        pair.run(use=False)
        pair.of_server.clear()
        pair.of_client.clear()
    call = pair.opened()
    pair.client.send(call, b"still there", last=True)
    pair.run()
    assert _messages(pair.of_server) == [b"still there"]


def test_a_header_list_of_400_kilobytes_is_taken() -> None:
    """Daemons put a whole Dockerfile into the trailers of a failed build."""
    pair = _Pair()
    call = pair.opened()
    status = RpcStatus(Code.UNKNOWN, "failed", bytes(range(256)) * 1200)
    pair.server.finish(call, status)
    pair.run()
    assert _finished(pair.of_client) == [status]


def test_an_answer_alone_ends_a_call_whose_request_is_not_whole() -> None:
    """The answer may come first; the rest of the request is then of no use."""
    pair = _Pair()
    call = pair.opened()
    pair.client.send(call, b"x" * 3_000_000)
    pair.server.finish(call, RpcStatus(Code.PERMISSION_DENIED, "no"))
    pair.run(use=False)
    assert _finished(pair.of_client) == [RpcStatus(Code.PERMISSION_DENIED, "no")]
    assert pair.client.queued(call) == 0
    pair.client.send(call, b"more")
    pair.client.half_close(call)
    pair.client.cancel(call)
    assert not pair.client.has_output


def test_a_cancelled_call_ends_at_the_other_side() -> None:
    """Whichever side began it."""
    pair = _Pair()
    first, second = pair.opened(), pair.opened()
    pair.client.cancel(first)
    pair.server.cancel(second)
    pair.run()
    assert [status.code for status in _finished(pair.of_server)] == [Code.CANCELLED]
    assert [status.code for status in _finished(pair.of_client)] == [Code.CANCELLED]


def test_no_more_calls_begin_than_the_peer_allows() -> None:
    """The others wait until one has ended."""
    pair = _Pair()
    numbers = [pair.opened() for _ in range(http2.MAX_STREAMS)]
    assert not pair.client.may_call
    pair.server.finish(numbers[0])
    pair.client.half_close(numbers[0])
    pair.run()
    assert pair.client.may_call


# --- peers that are made by hand ---------------------------------------------


class _Peer:
    """The other end of a machine, frame by frame."""

    def __init__(self, role: Role) -> None:
        self.machine = CallMachine(role)
        self.encoder = hpack.Encoder()
        self.machine.take_output()
        if role is Role.SERVER:
            self.receive_raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.receive(SettingsFrame(0))
        acknowledged = SettingsFrame(0)
        acknowledged.flags.add("ACK")
        self.receive(acknowledged)

    def receive(self, *frames: Frame) -> list[CallEvent]:
        return self.receive_raw(b"".join(frame.serialize() for frame in frames))

    def receive_raw(self, data: bytes) -> list[CallEvent]:
        return self.machine.receive(data)

    def headers(
        self, stream: int, fields: list[tuple[str, str]], *, ended: bool = False
    ) -> HeadersFrame:
        frame = HeadersFrame(stream, self.encoder.encode(fields))
        frame.flags.add("END_HEADERS")
        if ended:
            frame.flags.add("END_STREAM")
        return frame

    def request(self, stream: int, path: str = "/a.B/C") -> HeadersFrame:
        fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x")]
        return self.headers(stream, [*fields, ("content-type", "application/grpc")])

    def data(self, stream: int, content: bytes, *, ended: bool = False) -> DataFrame:
        frame = DataFrame(stream, content)
        if ended:
            frame.flags.add("END_STREAM")
        return frame


_OK = [(":status", "200"), ("content-type", "application/grpc")]


def test_an_answer_and_a_reset_without_error_are_an_answer() -> None:
    """Servers end a stream so whose request they need no more of."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    events = peer.receive(
        peer.headers(call, _OK),
        peer.data(call, encode_message(b"hello")),
        peer.headers(call, [("grpc-status", "0")], ended=True),
        RstStreamFrame(call, error_code=0),
    )
    assert _messages(events) == [b"hello"]
    assert _finished(events) == [RpcStatus()]


def test_a_reset_without_an_answer_is_an_error() -> None:
    """Also one without an error code."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    (status,) = _finished(peer.receive(RstStreamFrame(call, error_code=0)))
    assert status.code == Code.INTERNAL


def test_an_answer_of_trailers_alone() -> None:
    """A call that fails at once has its status in the first headers."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    fields = [*_OK, ("grpc-status", "12"), ("grpc-message", "no%20such m%C3%A9thod%")]
    events = peer.receive(peer.headers(call, fields, ended=True))
    assert _finished(events) == [RpcStatus(Code.UNIMPLEMENTED, "no such méthod%")]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([([(":status", "502")], False)], Code.UNAVAILABLE),
        ([(_OK, True)], Code.UNKNOWN),
        ([(_OK, False), ([("x", "y")], True)], Code.UNKNOWN),
        ([([*_OK, ("grpc-status", "5")], False), ([("x", "y")], True)], Code.NOT_FOUND),
    ],
)
def test_answers_that_are_not_quite_grpc(
    frames: list[tuple[list[tuple[str, str]], bool]], code: Code
) -> None:
    """Each ends the call, once."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    events = peer.receive(*(peer.headers(call, fields, ended=ended) for fields, ended in frames))
    assert [status.code for status in _finished(events)] == [code]


def test_an_answer_that_ends_within_a_message() -> None:
    """It is an error, whatever the status says."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    events = peer.receive(
        peer.headers(call, _OK),
        peer.data(call, b"\0\0\0\0\x09half"),
        peer.headers(call, [("grpc-status", "0")], ended=True),
    )
    assert [status.code for status in _finished(events)] == [Code.INTERNAL]


def test_a_peer_that_goes_away_finishes_what_it_accepted() -> None:
    """Calls behind its last one fail, those before it go on, and none begins."""
    peer = _Peer(Role.CLIENT)
    first, second = peer.machine.call("/a.B/C"), peer.machine.call("/a.B/C")
    (refused,) = _finished(peer.receive(GoAwayFrame(0, last_stream_id=first, error_code=0)))
    assert refused.code == Code.UNAVAILABLE
    assert (peer.machine.may_call, peer.machine.goes_away) == (False, True)
    with pytest.raises(ProtocolError):
        peer.machine.call("/a.B/C")
    peer.machine.send(first, b"more", last=True)
    assert peer.machine.has_output
    events = peer.receive(
        peer.headers(first, _OK), peer.headers(first, [("grpc-status", "0")], ended=True)
    )
    assert _finished(events) == [RpcStatus()]
    assert second != first


@pytest.mark.parametrize(
    "frame", [PingFrame(0, b"12345678"), SettingsFrame(0)], ids=["pings", "settings"]
)
def test_a_flood_that_is_answered_and_not_read_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, frame: Frame
) -> None:
    """What this end has to answer is bounded, and so is what it keeps."""
    monkeypatch.setattr(http2, "MAX_OUTPUT_BYTES", 100_000)
    peer = _Peer(Role.SERVER)
    flood = frame.serialize() * 500
    with pytest.raises(ProtocolError, match="does not read"):
        _repeat(lambda: peer.receive_raw(flood), 100)
    assert len(peer.machine.take_output()) < 120_000


def test_windows_cannot_overflow() -> None:
    """A peer may open them to the end of the numbers, and no further."""
    peer = _Peer(Role.SERVER)
    peer.receive(WindowUpdateFrame(0, window_increment=2**30))
    with pytest.raises(ProtocolError):
        _repeat(lambda: peer.receive(WindowUpdateFrame(0, window_increment=2**30)), 2)


def test_calls_that_are_broken_off_at_once_leave_nothing() -> None:
    """A peer that opens and resets streams for ever makes the machine keep none of them."""
    peer = _Peer(Role.SERVER)
    for number in range(1, 4001, 2):
        peer.receive(peer.request(number), RstStreamFrame(number, error_code=8))
    peer.machine.take_output()
    opened = peer.receive(peer.request(5001))
    assert len(opened) == 1


def test_headers_in_endless_frames_are_cut_off() -> None:
    """Frame after frame that continues the same headers."""
    peer = _Peer(Role.SERVER)
    peer.receive(HeadersFrame(1, b"\0\1a\1b"))
    with pytest.raises(ProtocolError):
        _repeat(lambda: peer.receive(ContinuationFrame(1, b"\0\1a\1b" * 3000)), 200)


def test_headers_that_blow_up_are_cut_off() -> None:
    """A few bytes may stand for megabytes once they are unpacked."""
    peer = _Peer(Role.SERVER)
    large = ("x", "y" * 4000)
    block = peer.encoder.encode([large]) + peer.encoder.encode([large] * 5000)
    frame = HeadersFrame(1, block)
    frame.flags.add("END_HEADERS")
    with pytest.raises(ProtocolError):
        peer.receive(frame)


def _repeat(action: Callable[[], object], times: int) -> None:
    for _ in range(times):
        action()


def test_endless_calls_are_cut_off() -> None:
    """A peer that has been told how many calls it may make makes no more."""
    peer = _Peer(Role.SERVER)
    for number in range(http2.MAX_STREAMS):
        peer.receive(peer.request(2 * number + 1))
    with pytest.raises(ProtocolError):
        peer.receive(peer.request(2 * http2.MAX_STREAMS + 1))


def test_messages_that_never_end_are_bounded() -> None:
    """Each by itself, and all of a connection together."""
    peer = _Peer(Role.SERVER)
    peer.receive(peer.request(1))
    (status,) = _finished(peer.receive(peer.data(1, b"\0\xff\xff\xff\xff")))
    assert status.code == Code.RESOURCE_EXHAUSTED

    peer = _Peer(Role.SERVER)
    refused = 0
    for number in range(1, 9, 2):
        peer.receive(peer.request(number), peer.data(number, b"\0\1\xf0\0\0"))
        for _ in range(1800):
            refused += len(_finished(peer.receive(peer.data(number, bytes(16384)))))
            peer.machine.take_output()
    assert refused == 2


def test_empty_data_without_end_costs_nothing() -> None:
    """It is passed over."""
    peer = _Peer(Role.SERVER)
    peer.receive(peer.request(1))
    peer.machine.take_output()
    assert peer.receive_raw(DataFrame(1, b"").serialize() * 10_000) == []
    assert not peer.machine.has_output


def test_padding_gives_its_window_back() -> None:
    """A peer may pad as much as it likes: the connection does not stand still."""
    peer = _Peer(Role.SERVER)
    peer.receive(peer.request(1))
    frame = DataFrame(1, b"", pad_length=255)
    frame.flags.add("PADDED")
    for _ in range(10_000):
        peer.receive(frame)
        peer.machine.take_output()


@given(st.sampled_from(Role), st.lists(st.binary(min_size=1, max_size=80), max_size=8))
def test_garbage_is_a_protocol_error_and_nothing_else(role: Role, pieces: list[bytes]) -> None:
    """In both roles, also behind what was well begun."""
    peer = _Peer(role)
    if role is Role.CLIENT:
        peer.machine.call("/a.B/C")
    else:
        peer.receive(peer.request(1))
    try:
        for piece in pieces:
            peer.receive_raw(piece)
    except ProtocolError:
        pass
    peer.machine.take_output()


_KINDS = st.sampled_from([0, 1, 2, 3, 4, 6, 7, 8, 9, 0xAA])
_FRAMES = st.lists(
    st.tuples(
        _KINDS, st.integers(0, 255), st.sampled_from([0, 1, 2, 3, 5]), st.binary(max_size=40)
    ),
    max_size=8,
)


@given(st.sampled_from(Role), _FRAMES)
def test_frames_of_any_kind_are_a_protocol_error_or_nothing(
    role: Role, frames: list[tuple[int, int, int, bytes]]
) -> None:
    """Well formed on the outside, and of any content."""
    peer = _Peer(role)
    if role is Role.CLIENT:
        peer.machine.call("/a.B/C")
        peer.machine.call("/a.B/C")
    else:
        peer.receive(peer.request(1))
    try:
        for kind, flags, stream, payload in frames:
            head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
            peer.receive_raw(head + stream.to_bytes(4, "big") + payload)
    except ProtocolError:
        pass
    peer.machine.take_output()


@pytest.mark.parametrize(
    "header",
    [(":path", "/again"), ("Name", "x"), ("connection", "close"), ("x", "\n"), ("x", "\xe9")],
)
def test_headers_that_cannot_be_sent_are_a_protocol_error(header: tuple[str, str]) -> None:
    """A caller's mistake does not end the connection."""
    pair = _Pair()
    with pytest.raises(ProtocolError, match="cannot be sent"):
        pair.client.call("/a.B/C", (header,))
    call = pair.opened()
    pair.client.send(call, b"fine", last=True)
    pair.run()
    assert _messages(pair.of_server) == [b"fine"]


@pytest.mark.parametrize("words", [" failed: ", "100 %", "two\nlines\r\n", "\x00\x7f", "é" * 9])
def test_words_of_all_kinds_arrive(words: str) -> None:
    """A daemon's words may end with a space, and be of any characters."""
    pair = _Pair()
    call = pair.opened()
    pair.server.finish(call, RpcStatus(Code.UNKNOWN, words))
    pair.run()
    assert _finished(pair.of_client) == [RpcStatus(Code.UNKNOWN, words)]


def test_words_that_are_not_quoted_as_grpc_does_arrive() -> None:
    """Spaces at the ends stand as they are in the headers of other implementations."""
    peer = _Peer(Role.CLIENT)
    call = peer.machine.call("/a.B/C")
    fields = [*_OK, ("grpc-status", "2"), ("grpc-message", " failed: ")]
    events = peer.receive(peer.headers(call, fields, ended=True))
    assert _finished(events) == [RpcStatus(Code.UNKNOWN, " failed: ")]
