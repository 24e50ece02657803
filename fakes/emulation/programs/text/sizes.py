"""Sizes with units, as programs of text are given them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...process import Process


_SUFFIXES = {
    "": 1,
    "b": 512,
    "k": 1024,
    "K": 1024,
    "M": 1 << 20,
    "G": 1 << 30,
    "m": 1 << 20,
    "kB": 1000,
    "KB": 1000,
    "MB": 10**6,
    "c": 1,
    "w": 2,
}


def read_size(process: Process, text: str) -> int:
    """Return a size that may have a unit, such as `2k`.

    Raises:
        ProcessExit: it is none.
    """
    match = re.fullmatch(r"(\d+)([A-Za-z]*)", text)
    if match is None or match[2] not in _SUFFIXES:
        raise process.fail(
            f"invalid number '{text}'"
            if process.system.programs.is_busybox
            else f"invalid number of lines: '{text}'"
        )
    return int(match[1]) * _SUFFIXES[match[2]]
