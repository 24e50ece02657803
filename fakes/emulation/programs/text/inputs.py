"""How programs read the files that they are named, or standard input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...process import Process


def read_input(process: Process, path: str) -> bytes:
    """Return all of a file; of standard input for `-`.

    Raises:
        OSError: it cannot be read.
    """
    if path == "-":
        return process.read_all()
    return process.system.files.read_file(process, path)


def pieces_of(process: Process, path: str) -> Iterator[bytes]:
    """Return a file piece by piece, as it comes; of standard input for `-`.

    Raises:
        OSError: it cannot be read.
    """
    if path == "-":
        while piece := process.read():
            yield piece
        return
    opened = process.system.files.open(process, path).retain()
    try:
        while piece := opened.read(process, 65_536):
            yield piece
    finally:
        opened.release()


def lines_of(process: Process, path: str) -> Iterator[bytes]:
    """Return the lines of a file as they come, each with its end, if it has one.

    Raises:
        OSError: it cannot be read.
    """
    rest = b""
    for piece in pieces_of(process, path):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest


def complain_of_input(process: Process, path: str, error: OSError, *, opening: bool = True) -> None:
    """Say that a file cannot be read."""
    if process.system.programs.is_busybox:
        verb = (
            "read error"
            if error.strerror == "Is a directory"
            else "can't open"
            if opening
            else "read error"
        )
        if verb == "read error":
            process.complain(f"read error: {error.strerror}")
        else:
            process.complain(f"can't open '{path}': {error.strerror}")
    else:
        process.complain(f"{path}: {error.strerror}")
