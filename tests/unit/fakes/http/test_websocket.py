"""Websockets: frames of any size, masked ones, and what is about the connection."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.http import websocket


def _from_client(data: bytes, mask: bytes, kind: int = websocket.BINARY) -> bytes:
    """A frame as a client sends it: masked."""
    plain = websocket.frame(data, kind)
    head = len(plain) - len(data)
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    return bytes((plain[0], plain[1] | 0x80)) + plain[2:head] + mask + masked


@given(st.lists(st.binary(max_size=300)), st.binary(min_size=4, max_size=4))
def test_what_clients_send_is_unmasked(messages: list[bytes], mask: bytes) -> None:
    """Each message comes as it was before it was masked."""
    sent = b"".join(_from_client(message, mask) for message in messages)
    assert list(websocket.payloads(io.BytesIO(sent).read)) == messages


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_tell_sizes_of_each_width(size: int) -> None:
    """One byte, two or eight say how long a message is."""
    sent = _from_client(b"a" * size, b"\1\2\3\4")
    assert [len(data) for data in websocket.payloads(io.BytesIO(sent).read)] == [size]


def test_pings_are_no_input_and_a_close_ends_it() -> None:
    """What is about the connection does not reach the reader."""
    mask = b"\0\0\0\0"
    sent = _from_client(b"ping", mask, 9) + _from_client(b"in", mask)
    sent += _from_client(b"", mask, websocket.CLOSE) + _from_client(b"late", mask)
    assert list(websocket.payloads(io.BytesIO(sent).read)) == [b"in"]


@given(st.binary(min_size=1, max_size=40), st.integers(0, 60))
def test_a_connection_may_end_anywhere(data: bytes, cut: int) -> None:
    """A frame of which the end is missing is no message."""
    whole = _from_client(data, b"abcd")
    found = list(websocket.payloads(io.BytesIO(whole[:cut]).read))
    assert found == ([data] if cut >= len(whole) else [])


def test_the_answer_to_a_key_is_that_of_the_specification() -> None:
    """The example of RFC 6455, section 1.3."""
    headers = websocket.handshake("dGhlIHNhbXBsZSBub25jZQ==")
    assert headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_close_has_the_code_of_a_normal_end() -> None:
    """Clients take a close without a code for a failure."""
    assert struct.unpack(">BBH", websocket.closing()) == (0x88, 2, 1000)
