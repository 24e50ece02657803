"""Takes the values of secrets that were handed out away from texts.

A value counts without the white space around it. Of one with several lines, each line counts by
itself too, unless it is so short that it may stand anywhere. A very short value would be found
everywhere, so it is masked only where it is all of a text.
"""

from __future__ import annotations

import threading

MASK = "****"
MIN_CHARS = 4
"""A shorter value is masked only where it stands alone."""

MIN_LINE_CHARS = 8
"""A shorter line of a value with several lines is masked only with the others."""

MAX_HELD_BYTES = 64 * 1024
"""So much of a step's output is held back at most because a secret may begin with it."""

_HEAD_BYTES = 16


class SecretMask:
    """Remembers secrets, and replaces them in texts. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._alone: frozenset[str] = frozenset()
        self._longest_first: tuple[str, ...] = ()
        self._bytes_longest_first: tuple[bytes, ...] = ()

    def add(self, value: bytes) -> None:
        """Remember a secret."""
        text = value.decode("utf-8", "surrogateescape").strip()
        if not text:
            return
        lines = {line.strip() for line in text.splitlines() if len(line.strip()) >= MIN_LINE_CHARS}
        with self._lock:
            if len(text) < MIN_CHARS:
                self._alone |= {text}
                return
            self._values |= {text, *lines}
            found = sorted(self._values, key=lambda value: (-len(value), value))
            self._longest_first = tuple(found)
            self._bytes_longest_first = tuple(_encoded(value) for value in found)

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        for value in self._longest_first:
            text = text.replace(value, MASK)
        if self._alone and text.strip() in self._alone:
            return MASK
        return text

    def stream(self) -> MaskedStream:
        """Return what masks output that comes in pieces."""
        return MaskedStream(self)

    def values(self) -> tuple[bytes, ...]:
        """Return what is masked within output, the longest first."""
        return self._bytes_longest_first


class MaskedStream:
    """Output that comes in pieces, cut anywhere, in which secrets are masked.

    What may be the beginning of a secret is held back until more has come.
    """

    def __init__(self, mask: SecretMask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take a piece; return what can be told."""
        values = self._mask.values()
        data = self._held + data
        told: list[bytes] = []
        at = 0
        while True:
            begun = min((_begun(data, value, at) for value in values), default=len(data))
            found, length = _first(data, values, at, begun)
            if not length:
                break
            told += data[at:found], MASK.encode()
            at = found + length
        told.append(data[at:begun])
        self._held = data[begun:]
        return b"".join(told)

    def flush(self) -> bytes:
        """Return what was held back: nothing more comes."""
        held, self._held = self._held, b""
        for value in self._mask.values():
            held = held.replace(value, MASK.encode())
        return held


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _first(data: bytes, values: tuple[bytes, ...], at: int, end: int) -> tuple[int, int]:
    """Return where the first value begins before an end, and its length; 0 when none does."""
    found, length = end, 0
    for value in values:
        place = data.find(value, at, found + len(value) - 1)
        if 0 <= place < found:
            found, length = place, len(value)
    return found, length


def _begun(data: bytes, value: bytes, at: int) -> int:
    """Return where the end of some data begins that may be the beginning of a value."""
    at = max(at, len(data) - min(len(value) - 1, MAX_HELD_BYTES))
    # Nearly all places are told from the beginning by a few bytes, at no cost.
    head = value[:_HEAD_BYTES]
    while (found := data.find(head, at)) >= 0:
        if value.startswith(data[found:]):
            return found
        at = found + 1
    at = max(at, len(data) - len(head) + 1)
    return next(
        (place for place in range(at, len(data)) if value.startswith(data[place:])), len(data)
    )
