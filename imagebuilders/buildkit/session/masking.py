"""Takes the values of secrets that were handed out away from texts."""

from __future__ import annotations

import threading

MASK = "****"
MIN_CHARS = 4
"""A shorter value is not masked: it would be found everywhere."""


class SecretMask:
    """Remembers secrets, and replaces them in texts. For several threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._longest_first: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, value: bytes) -> None:
        """Remember a secret; of one with several lines, each line too."""
        text = value.decode("utf-8", "replace")
        pieces = {text, text.strip(), *map(str.strip, text.splitlines())}
        with self._lock:
            self._values |= {piece for piece in pieces if len(piece) >= MIN_CHARS}
            self._longest_first = tuple(sorted(self._values, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        for value in self._longest_first:
            text = text.replace(value, MASK)
        return text
