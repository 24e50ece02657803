"""Connections that an endpoint takes over: their headers, and output on them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from ...shell.process import Process
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


def send_input(
    connection: socket.socket,
    ahead: bytes,
    process: Callable[[], Process | None],
    *,
    ends: bool,
) -> None:
    """Send what comes over a connection to a command, in a thread of its own.

    Args:
        connection: which was taken over.
        ahead: what was read of it already.
        process: gives the command; `None` when that does not read.
        ends: the command's input ends with the connection's.
    """

    def send() -> None:
        data = ahead
        while True:
            command = process()
            if command is None:
                return
            command.feed(data)
            try:
                data = connection.recv(_PIECE)
            except OSError:
                return
            if not data:
                if ends:
                    command.end_input()
                return

    threading.Thread(target=send, name="fake-input", daemon=True).start()
