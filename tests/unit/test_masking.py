"""Secrets that were handed out, in what is told."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.masking import MASK, MAX_HELD_BYTES, SecretMask

KEY = b"-----BEGIN KEY-----\nAAAA\nBBBBBBBBBBBBBB\nCC\n-----END KEY-----\n"


def masked(text: str, *values: bytes) -> str:
    """Return a text without secrets."""
    mask = SecretMask()
    for value in values:
        mask.add(value)
    return mask(text)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        pytest.param(b"hunter2", "it is hunter2!", f"it is {MASK}!", id="within"),
        pytest.param(b"hunter2\n", "hunter2", MASK, id="newline-behind"),
        pytest.param(b" \thunter2 ", "xhunter2x", f"x{MASK}x", id="blanks-around"),
        pytest.param(b"", "anything", "anything", id="empty"),
        pytest.param(b" \n", "a b\n", "a b\n", id="blank"),
        pytest.param(b"abc", "abc", MASK, id="short-alone"),
        pytest.param(b"abc", "  abc\r", MASK, id="short-alone-with-blanks"),
        pytest.param(b"1", "exit code: 1", "exit code: 1", id="short-within"),
        pytest.param(b"abcd", "xabcdx", f"x{MASK}x", id="four"),
        pytest.param("päß".encode() * 2, "päßpäß", MASK, id="not-ascii"),
        pytest.param(KEY, KEY.decode(), f"{MASK}\n", id="several-lines"),
        pytest.param(KEY, "a BBBBBBBBBBBBBB b", f"a {MASK} b", id="one-of-several"),
        pytest.param(KEY, "CC AAAA", "CC AAAA", id="short-one-of-several"),
        pytest.param(b'{\n  "password": "x"\n}', '{ "password": "x"', "{ ****", id="json"),
    ],
)
def test_a_value_is_masked(value: bytes, text: str, shown: str) -> None:
    """Exactly what was handed out is masked, and nothing is that merely looks like it."""
    assert masked(text, value) == shown


def test_the_longer_value_goes_first() -> None:
    """Of two values one of which is within the other, no rest stays."""
    assert masked("secret-secret2", b"secret", b"secret-secret2") == MASK


def told(pieces: list[bytes], *values: bytes) -> bytes:
    """Return what is told of output that comes in pieces."""
    mask = SecretMask()
    for value in values:
        mask.add(value)
    stream = mask.stream()
    return b"".join(map(stream.feed, pieces)) + stream.flush()


@given(st.binary(max_size=30), st.lists(st.integers(0, 200), max_size=6), st.binary(max_size=30))
def test_output_in_pieces_is_masked(before: bytes, cuts: list[int], behind: bytes) -> None:
    """Wherever the output is cut, also within a value, it is told as if it came at once."""
    output = before + KEY.strip() + behind + b"hunter2"
    places = sorted({0, len(output), *(cut % len(output) for cut in cuts)})
    pieces = [output[start:end] for start, end in itertools.pairwise(places)]
    assert told(pieces, KEY, b"hunter2") == told([output], KEY, b"hunter2")
    assert told(pieces, KEY, b"hunter2") == before + MASK.encode() + behind + MASK.encode()


@given(st.lists(st.binary(max_size=6), max_size=8), st.lists(st.binary(min_size=4, max_size=6)))
def test_nothing_but_secrets_is_lost(pieces: list[bytes], values: list[bytes]) -> None:
    """What holds no secret is told byte by byte."""
    output = b"".join(pieces)
    if not any(value.strip() and value.strip() in output for value in values):
        assert told(pieces, *values) == output


def test_what_cannot_begin_a_secret_is_told_at_once() -> None:
    """A line without an end is not kept from the user."""
    mask = SecretMask()
    mask.add(b"hunter2")
    stream = mask.stream()
    assert stream.feed(b"Continue? [y/n] ") == b"Continue? [y/n] "
    assert stream.feed(b"password: hun") == b"password: "
    assert stream.feed(b"t?") == b"hunt?"


def test_binary_values_are_masked_in_output() -> None:
    """A value that is no text is found by its bytes."""
    assert told([b"a\xff\xfe", b"\x00\x01b"], b"\xff\xfe\x00\x01") == b"a" + MASK.encode() + b"b"


def test_large_values_take_no_time() -> None:
    """Neither a large value nor much output makes masking slow, and little is held back."""
    mask = SecretMask()
    mask.add(bytes(range(256)) * 1900)
    mask.add(b"a" * 400_000)
    stream = mask.stream()
    began = time.monotonic()
    piece = b"line of output\n" * 2000 + b"a" * 100_000
    count = sum(len(stream.feed(piece)) for _ in range(5))
    assert time.monotonic() - began < 20
    assert count >= 5 * len(piece) - MAX_HELD_BYTES
