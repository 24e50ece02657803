"""Containers: logs and resize."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import messages
from ..containers.container import LogEntry
from ..containers.streams import follow, frame, wanted
from ..errors import ApiError
from ..http import Request, Response
from ..versions import EngineVersion
from .hijacked import output_type
from .numbers import moment
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_READABLE_LOGS = ("json-file", "local", "journald")


@route("GET", "/containers/{name}/logs")
def _logs(engine: Daemon, request: Request, path: Path) -> Response:
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    if not stdout and not stderr:
        raise ApiError(400, messages.NO_STREAM(engine.version))
    container = engine.containers.find(path["name"])
    if container.host_config["LogConfig"]["Type"] not in _READABLE_LOGS:
        raise ApiError(501, "configured logging driver does not support reading")
    entries = list(container.logs)
    chosen = [
        entry
        for entry in _of_time(request, entries, engine.version)
        if wanted(entry, stdout=stdout, stderr=stderr)
    ]
    tty, stamps, details = (
        container.config.tty,
        request.flag("timestamps"),
        request.flag("details"),
    )

    def body() -> Iterator[bytes]:
        yield b""
        for entry in chosen:
            yield frame(entry, tty=tty, timestamps=stamps, details=details)
        if request.flag("follow"):
            for later in follow(container, len(entries)):
                if later is None:
                    yield b""
                elif wanted(later, stdout=stdout, stderr=stderr):
                    yield frame(later, tty=tty, timestamps=stamps, details=details)

    return Response(200, body(), output_type(engine.version, request, tty=tty))


def _of_time(request: Request, entries: list[LogEntry], version: EngineVersion) -> list[LogEntry]:
    """The entries of the time that was asked for, and of these the newest; of any stream."""
    # Neither end is at 0.
    if since := moment(request, "since", version, quotes='"'):
        entries = [entry for entry in entries if entry.time >= since]
    if until := moment(request, "until", version, quotes='"'):
        entries = [entry for entry in entries if entry.time <= until]
    tail = request.parameter("tail")
    return entries[len(entries) - min(int(tail), len(entries)) :] if tail.isdigit() else entries


def check_size(version: EngineVersion, request: Request) -> None:
    """Refuse the size of a terminal that is none.

    Raises:
        ApiError: 400.
    """
    for dimension, name in (("height", "h"), ("width", "w")):
        text = request.parameter(name)
        number = text.isdigit() if version >= "28.0" else text.lstrip("-").isdigit()
        if not number:
            reason = "value out of range" if text.lstrip("-").isdigit() else "invalid syntax"
            raise ApiError(400, messages.BAD_SIZE(version, dimension, text, reason))


@route("POST", "/containers/{name}/resize")
def _resize(engine: Daemon, request: Request, path: Path) -> Response:
    check_size(engine.version, request)
    container = engine.containers.find(path["name"])
    if not container.running:
        raise ApiError(409, messages.NOT_RUNNING(engine.version, container.id))
    size = {"height": request.parameter("h"), "width": request.parameter("w")}
    engine.containers.note(container, "resize", size)
    return Response(200)
