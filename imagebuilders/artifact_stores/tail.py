"""The end of a stored file."""

from __future__ import annotations

from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Tail:
    """The end of a stored file: its whole size in bytes, and its last bytes."""

    size: int
    data: bytes
