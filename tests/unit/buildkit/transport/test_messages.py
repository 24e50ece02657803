"""gRPC's framing of messages, and the status of a call."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.buildkit.transport.errors import ProtocolError
from imagebuilders.buildkit.transport.frames import PREFACE_BYTES, FrameFilter
from imagebuilders.buildkit.transport.messages import MessageReader, encode_message
from imagebuilders.buildkit.transport.status import (
    Code,
    RpcStatus,
    read_status,
    status_of_http,
    status_of_reset,
)


def _cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


_CUTS = st.lists(st.integers(0, 5000), max_size=20)


def test_the_length_of_a_message_is_known_with_its_prefix() -> None:
    """Before that, and between messages, nothing is announced."""
    reader = MessageReader()
    assert reader.announced == 0
    framed = encode_message(b"four")
    assert reader.feed(framed[:4]) == []
    assert reader.announced == 0
    assert reader.feed(framed[4:6]) == []
    assert reader.announced == 4
    assert reader.feed(framed[6:]) == [b"four"]
    assert reader.announced == 0


@given(st.lists(st.binary(max_size=300), max_size=8), _CUTS)
def test_messages_are_found_however_they_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    """What was framed comes out again, and nothing is left."""
    reader = MessageReader()
    data = b"".join(map(encode_message, messages))
    found = [message for piece in _cut(data, cuts) for message in reader.feed(piece)]
    assert found == messages
    assert reader.is_between_messages
    assert reader.buffered == 0


@given(st.binary(max_size=200), _CUTS)
def test_garbage_is_a_protocol_error_or_a_message(data: bytes, cuts: list[int]) -> None:
    """Whatever comes, nothing else is raised, and no more is kept than came."""
    reader = MessageReader(limit=1000)
    try:
        for piece in _cut(data, cuts):
            reader.feed(piece)
    except ProtocolError:
        pass
    assert reader.buffered <= len(data)


@pytest.mark.parametrize("prefix", [b"\1\0\0\0\1x", struct.pack(">BL", 0, 1001)])
def test_a_compressed_or_too_large_message_is_refused(prefix: bytes) -> None:
    """Before any of it is kept."""
    with pytest.raises(ProtocolError):
        MessageReader(limit=1000).feed(prefix)


@given(
    st.integers(0, 16),
    st.text(),
    st.binary(max_size=100),
)
def test_a_status_survives_the_trailers(code: int, message: str, details: bytes) -> None:
    """Words of any characters, and details without padding."""
    message = message.encode("utf-8", "replace").decode()
    status = RpcStatus(code, message, details)
    trailers = status.trailers()
    assert read_status(trailers) == status
    assert all(value.isascii() and value.isprintable() for _, value in trailers)


@given(
    st.lists(st.tuples(st.sampled_from(_NAMES := ["grpc-status", "grpc-message", "x"]), st.text()))
)
def test_any_trailers_can_be_read(headers: list[tuple[str, str]]) -> None:
    """A status that cannot be read is UNKNOWN, and no status is none."""
    status = read_status(headers)
    assert (status is None) == (not any(name == "grpc-status" for name, _ in headers))


def test_details_that_cannot_be_read_are_left_out() -> None:
    """The status itself counts."""
    status = read_status([("grpc-status", "5"), ("grpc-status-details-bin", "§")])
    assert status == RpcStatus(Code.NOT_FOUND)


@pytest.mark.parametrize(
    ("text", "code"),
    [("16", 16), ("99999", 99999), ("100000", 2), ("-1", 2), ("", 2), ("\u0665", 2)],
)
def test_a_code_has_five_digits_at_most(text: str, code: int) -> None:
    """What has more, or is no number, is UNKNOWN."""
    assert read_status([("grpc-status", text)]) == RpcStatus(code)


def test_codes_are_those_of_the_specification() -> None:
    """They count up from OK, in the order in which gRPC's page has them."""
    names = "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS "
    names += "PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE "
    names += "UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED"
    assert [(code.name, int(code)) for code in Code] == [
        (name, number) for number, name in enumerate(names.split())
    ]


def test_a_status_has_a_name() -> None:
    """Known or not."""
    assert RpcStatus(5).name == "NOT_FOUND"
    assert RpcStatus(99).name == "99"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400", Code.INTERNAL),
        ("401", Code.UNAUTHENTICATED),
        ("403", Code.PERMISSION_DENIED),
        ("404", Code.UNIMPLEMENTED),
        *((status, Code.UNAVAILABLE) for status in ("429", "502", "503", "504")),
        *((status, Code.UNKNOWN) for status in ("302", "500", "", "xx")),
    ],
)
def test_an_answer_that_is_not_grpc_has_a_status(status: str, code: int) -> None:
    """By the table of gRPC."""
    assert status_of_http(status).code == code


@pytest.mark.parametrize(
    ("reset", "code"),
    [
        *((7, Code.UNAVAILABLE), (8, Code.CANCELLED), (11, Code.RESOURCE_EXHAUSTED)),
        *((12, Code.PERMISSION_DENIED), (2, Code.INTERNAL)),
    ],
)
def test_a_reset_has_a_status(reset: int, code: int) -> None:
    """By the table of gRPC."""
    assert status_of_reset(reset).code == code


# --- frames ------------------------------------------------------------------

_FRAMES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 3, 4, 6, 7, 8]),
        st.integers(0, 7),
        st.binary(min_size=8, max_size=60),
    ),
    max_size=12,
)


def _frame(kind: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">L", len(payload))[1:] + struct.pack(">BBL", kind, 0, stream) + payload


@given(_FRAMES, _CUTS, st.booleans())
def test_goaway_frames_are_taken_out_however_they_are_cut(
    frames: list[tuple[int, int, bytes]], cuts: list[int], has_preface: bool
) -> None:
    """Everything else passes as it is."""
    preface = b"p" * PREFACE_BYTES if has_preface else b""
    taken = [(kind, 0 if kind == 7 else stream, payload) for kind, stream, payload in frames]
    filter_ = FrameFilter(skip=len(preface))
    passed, found = b"", []
    for piece in _cut(preface + b"".join(_frame(*frame) for frame in taken), cuts):
        left, farewells = filter_.feed(piece)
        passed += left
        found += farewells
    assert passed == preface + b"".join(_frame(*frame) for frame in taken if frame[0] != 7)
    expected = [struct.unpack(">LL", payload[:8]) for kind, _, payload in taken if kind == 7]
    assert found == [(last & 0x7FFFFFFF, code) for last, code in expected]


@pytest.mark.parametrize(
    "frame",
    [_frame(7, 0, b"short"), _frame(7, 1, bytes(8)), _frame(0, 1, bytes(16385)), b"\xff" * 9],
)
def test_malformed_frames_are_refused_by_their_heads(frame: bytes) -> None:
    """A GOAWAY frame that is too short or of a stream, and any that is too large."""
    with pytest.raises(ProtocolError):
        FrameFilter().feed(frame[:9])
