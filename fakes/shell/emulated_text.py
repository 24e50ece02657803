"""Text as the emulation has it, and as everything else has it."""

from __future__ import annotations

from collections.abc import Sequence


def latin(text: str) -> str:
    """Return text as the emulation has it: a character for each byte."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def text_of(words: Sequence[str]) -> list[str]:
    """Return words of the emulation as Unicode text."""
    return [word.encode("latin-1").decode("utf-8", "surrogateescape") for word in words]
