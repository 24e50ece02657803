"""What a container prints, on the wire: multiplexed, or plain with a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ... import go_text
from .container import STDERR, STDOUT, Container, LogEntry

IDLE = 0.1
"""Seconds after which a stream looks whether its client is still there."""


def frame(entry: LogEntry, *, tty: bool, timestamps: bool = False, details: bool = False) -> bytes:
    """One piece of output, behind a header that names its stream unless there is a terminal."""
    # The details are none; they are separated from the output all the same.
    data = b" " + entry.data if details else entry.data
    if timestamps:
        seconds, rest = divmod(entry.time, 1_000_000_000)
        stamp = go_text.rfc3339(seconds * 1_000_000_000)[:-1] + f".{rest:09d}Z "
        data = stamp.encode() + data
    if tty:
        return data
    return bytes((entry.stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def as_terminal(data: bytes) -> bytes:
    """Output as a terminal shows it: each line ends with a carriage return as well."""
    return data.replace(b"\n", b"\r\n")


def wanted(entry: LogEntry, *, stdout: bool, stderr: bool) -> bool:
    """Whether a piece belongs to the streams asked for."""
    return (stdout and entry.stream == STDOUT) or (stderr and entry.stream == STDERR)


def follow(container: Container, start: int) -> Iterator[LogEntry | None]:
    """What a container prints from a position on, until it ends; `None` now and then."""
    position = start
    while True:
        with container.changed:
            if position >= len(container.logs) and container.running and not container.removed:
                container.wait_for_change(IDLE)
            new = container.logs[position:]
            ended = not container.running or container.removed
        position += len(new)
        yield from new
        if not new:
            yield None
        if ended and position >= len(container.logs):
            return
