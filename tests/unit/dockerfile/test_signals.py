"""Which signals an image can name for its end."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile.signals import is_signal


@pytest.mark.parametrize("name", ["SIGTERM", "term", "9", "-1", "SIGRTMIN+3", "rtmax-14"])
def test_signals(name: str) -> None:
    """Names with and without SIG, and numbers."""
    assert is_signal(name)


@pytest.mark.parametrize("name", ["", "0", "NOPE", "SIGRTMIN+16", "RTMAX-15", "SIGSIGTERM"])
def test_no_signals(name: str) -> None:
    """Neither a known name nor a number but 0."""
    assert not is_signal(name)
