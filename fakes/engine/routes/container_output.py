"""Containers: logs, attach, resize."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...http.streams import is_hung_up, read_away
from .. import messages
from ..containers.container import Container, LogEntry
from ..containers.streams import IDLE, follow, frame, wanted
from ..errors import ApiError
from ..http import Request, Response
from ..versions import EngineVersion
from .hijacked import RAW, output_type, send_input, taken_over
from .numbers import moment
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_READABLE_LOGS = ("json-file", "local", "journald")
_DETACH_KEY = re.compile(r"ctrl-[a-z@\[\\\]^_]|.")


@route("GET", "/containers/{name}/logs")
def _logs(engine: Daemon, request: Request, path: Path) -> Response:
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    if not stdout and not stderr:
        raise ApiError(400, "Bad parameters: you must choose at least one stream")
    container = engine.containers.find(path["name"])
    if container.host_config["LogConfig"]["Type"] not in _READABLE_LOGS:
        raise ApiError(501, "configured logging driver does not support reading")
    entries = list(container.logs)
    chosen = [
        entry for entry in _of_time(request, entries) if wanted(entry, stdout=stdout, stderr=stderr)
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


def _of_time(request: Request, entries: list[LogEntry]) -> list[LogEntry]:
    """The entries of the time that was asked for, and of these the newest; of any stream."""
    # Neither end is at 0.
    if since := moment(request, "since"):
        entries = [entry for entry in entries if entry.time >= since]
    if until := moment(request, "until"):
        entries = [entry for entry in entries if entry.time <= until]
    tail = request.parameter("tail")
    return entries[len(entries) - min(int(tail), len(entries)) :] if tail.isdigit() else entries


@route("POST", "/containers/{name}/attach")
def _attach(engine: Daemon, request: Request, path: Path) -> Response:
    try:
        container = engine.containers.find(path["name"])
        _check_attachable(container, path["name"], request)
    except ApiError as error:
        # It comes when the connection is taken over already, as plain text.
        text = f"{error.message}\r\n".encode()
        return Response(error.status, text, {"Content-Type": RAW})
    engine.containers.note(container, "attach")
    stdout, stderr = request.flag("stdout"), request.flag("stderr")
    with_logs, stream = request.flag("logs"), request.flag("stream")
    begin = 0 if with_logs else len(container.logs)
    waits_for_start = not container.running and container.started is None

    takes_input = request.flag("stdin") and stream and container.config.open_stdin

    def hijack(connection: socket.socket, ahead: bytes) -> None:
        if stream and waits_for_start:
            with container.changed:
                while container.status == "created" and not container.removed:
                    container.wait_for_change(IDLE)
                    if is_hung_up(connection):
                        return
                    if not takes_input:
                        read_away(connection)
        if takes_input:
            once = container.config.stdin_once
            send_input(connection, ahead, lambda: container.process, ends=once)
        source: Iterator[LogEntry | None] = iter(list(container.logs[begin:]))
        for entry in follow(container, begin) if stream else source:
            if entry is None:
                if is_hung_up(connection):
                    return
                if not takes_input:
                    read_away(connection)
            elif wanted(entry, stdout=stdout, stderr=stderr):
                connection.sendall(frame(entry, tty=container.config.tty))

    headers = taken_over(engine.version, request, tty=container.config.tty)
    return Response(200, hijack=hijack, headers=headers)


def _check_attachable(container: Container, asked: str, request: Request) -> None:
    keys = request.parameter("detachKeys")
    if not is_detach_keys(keys):
        raise ApiError(400, f"Invalid detach keys ({keys}) provided")
    if container.status == "paused":
        raise ApiError(409, f"container {asked} is paused, unpause the container before attach")


def is_detach_keys(text: str) -> bool:
    """Whether a text names keys with which a client can detach, or none at all."""
    return not text or all(_DETACH_KEY.fullmatch(key) for key in text.split(","))


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
