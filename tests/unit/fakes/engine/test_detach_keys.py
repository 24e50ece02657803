"""The keys that detach a client: their names, and where they stand in what is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.engine.containers.detach_keys import DetachKeys, is_detach_keys


@pytest.mark.parametrize(
    ("names", "pressed"),
    [("", b"\x10\x11"), ("ctrl-a,b", b"\x01b"), ("q", b"q"), ("ctrl-[,ctrl-_", b"\x1b\x1f")],
)
def test_keys_by_name(names: str, pressed: bytes) -> None:
    """Names stand for the codes that a terminal sends."""
    assert DetachKeys(names).passed(b"x" + pressed + b"y") == (b"x", True)


def test_keys_in_two_pieces() -> None:
    """The first of them is held back until the next one comes."""
    keys = DetachKeys()
    assert keys.passed(b"a\x10") == (b"a", False)
    assert keys.passed(b"\x11") == (b"", True)


def test_keys_that_were_others() -> None:
    """What was held back goes on when it was not meant."""
    keys = DetachKeys()
    assert keys.passed(b"\x10") == (b"", False)
    assert keys.passed(b"\x10x") == (b"\x10\x10x", False)


@given(st.lists(st.binary(max_size=8)))
def test_other_input_passes_unchanged(pieces: list[bytes]) -> None:
    """Whatever the pieces, nothing is lost or added until the keys come."""
    keys, sent, passed = DetachKeys("ctrl-p,ctrl-q"), b"".join(pieces), b""
    for piece in pieces:
        more, detached = keys.passed(piece)
        passed += more
        if detached:
            assert sent.startswith(passed + b"\x10\x11")
            return
    assert passed == sent.removesuffix(b"\x10")


@pytest.mark.parametrize("text", ["ctrl-", "abc", "ctrl-é", "a,,b"])
def test_what_names_no_keys(text: str) -> None:
    """A name is one character, or one with `ctrl-` before it."""
    assert not is_detach_keys(text)
