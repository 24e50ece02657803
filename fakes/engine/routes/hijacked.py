"""Connections that an endpoint takes over: their headers, and output on them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

from ...shell.process import Process
from ..containers.detach_keys import DetachKeys
from ..http import Request
from ..versions import EngineVersion

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
_PIECE = 64 * 1024


def taken_over(version: EngineVersion, request: Request, *, tty: bool) -> dict[str, str]:
    """The headers of a connection; only a client that asked for it is told of several streams."""
    upgraded = "upgrade" in request.headers
    multiplexed = upgraded and not tty and version.speaks(request.version, "1.42")
    newer = version >= "23.0" and multiplexed
    return {"Content-Type": MULTIPLEXED if newer else RAW}


def output_type(version: EngineVersion, request: Request, *, tty: bool) -> dict[str, str]:
    """The headers of an answer that holds output; older versions do not say what it is."""
    if not version.speaks(request.version, "1.42"):
        return {}
    return {"Content-Type": RAW if tty else MULTIPLEXED}


def pieces(connection: socket.socket, ahead: bytes) -> Iterator[bytes]:
    """Return what comes over a connection, and before that what was read of it already.

    Raises:
        OSError: it was cut.
    """
    if ahead:
        yield ahead
    while data := connection.recv(_PIECE):
        yield data


def reader(connection: socket.socket, ahead: bytes) -> Callable[[int], bytes]:
    """Return what reads so many bytes of a connection, fewer at its end.

    Raises:
        OSError: it was cut.
    """
    source = pieces(connection, ahead)
    here = bytearray()

    def read(size: int) -> bytes:
        while len(here) < size and (data := next(source, b"")):
            here.extend(data)
        taken = bytes(here[:size])
        del here[:size]
        return taken

    return read


def send_input(
    sent: Iterator[bytes],
    process: Callable[[], Process | None],
    *,
    ends: bool,
    keys: DetachKeys | None = None,
    on_detach: Callable[[], None] = lambda: None,
) -> None:
    """Send what a client sends to a command, in a thread of its own.

    Args:
        sent: what comes.
        process: gives the command; `None` when that does not read.
        ends: the command's input ends with the client's.
        keys: those with which the client detaches; `None` without a terminal.
        on_detach: called when they were pressed.
    """

    def feed(data: bytes) -> bool:
        """Whether more is to be sent."""
        command = process()
        if command is None:
            return False
        passed, detached = keys.passed(data) if keys else (data, False)
        command.feed(passed)
        if detached:
            on_detach()
        return not detached

    def send() -> None:
        try:
            if not all(feed(data) for data in sent):
                return
        except OSError:
            return
        if ends and (command := process()) is not None:
            command.end_input()

    threading.Thread(target=send, name="fake-input", daemon=True).start()
