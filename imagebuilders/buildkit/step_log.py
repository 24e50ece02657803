"""What the steps of a build print: put together to lines, and kept for the build's error."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagebuilders.docker.output_lines import OutputLines

if TYPE_CHECKING:
    from imagebuilders.masking import MaskedStream

MAX_LOG_CHARS = 64 * 1024 * 1024
"""So much output of a build is kept for its error; of more, the last."""

DROPPED = "[earlier output was dropped]"
"""Stands in place of what was too much."""


class DecodedLines:
    """Puts the bytes of one stream, which may be cut within a character, together to lines.

    Secrets are masked before, as one may have several lines, or be cut.
    """

    def __init__(self, masked: MaskedStream) -> None:
        self._masked = masked
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines = OutputLines()

    def feed(self, data: bytes) -> Iterator[str]:
        """Take the next piece, and return the lines that it completes."""
        return self._lines.feed(self._decoder.decode(self._masked.feed(data)))

    def flush(self) -> Iterator[str]:
        """Return what has no end yet."""
        yield from self._lines.feed(self._decoder.decode(self._masked.flush(), final=True))
        yield from self._lines.flush()


class StepLog:
    """Keeps the last lines of a build, with the step that each belongs to."""

    def __init__(self, max_chars: int = MAX_LOG_CHARS) -> None:
        """Begin.

        Args:
            max_chars: how much is kept.
        """
        self._lines: deque[tuple[str, str]] = deque()
        self._max_chars = max_chars
        self._chars = 0
        self._has_dropped = False

    def add(self, step: str, line: str) -> None:
        """Note a line of a step."""
        self._lines.append((step, line))
        self._chars += len(line) + 1
        while self._chars > self._max_chars:
            self._chars -= len(self._lines.popleft()[1]) + 1
            self._has_dropped = True

    def of(self, step: str) -> list[str]:
        """Return the lines of one step."""
        return [line for owner, line in self._lines if owner == step]

    def all(self) -> list[str]:
        """Return all lines, step by step, in the order in which the steps began to print."""
        by_step: dict[str, list[str]] = {}
        for owner, line in self._lines:
            by_step.setdefault(owner, []).append(line)
        lines = [line for lines in by_step.values() for line in lines]
        return [DROPPED, *lines] if self._has_dropped else lines
