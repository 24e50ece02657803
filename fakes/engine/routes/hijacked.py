"""Connections that an endpoint takes over: their headers, and output on them."""

from __future__ import annotations

from ..http import Request
from ..versions import EngineVersion

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"


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
