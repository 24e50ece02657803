"""Commands in running containers: create, start, inspect, resize."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...shell.commands import is_instant
from .. import messages
from ..containers.container import STDOUT, Exec, LogEntry
from ..containers.detach_keys import DetachKeys, is_detach_keys
from ..containers.streams import frame, wanted
from ..containers.users import user_refusal
from ..errors import ApiError
from ..http import Request, Response, json_response
from .bodies import json_body
from .container_output import check_size
from .container_types import EXEC, EXEC_START
from .hijacked import pieces, send_input, taken_over
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]

_ESCAPED = "exec attach failed: error on attach stdin: read escape sequence\r\n"
NOT_STARTED = 126
"""The exit code of a command that an engine could not start, or lost hold of."""


@route("POST", "/containers/{name}/exec")
def _create(engine: Daemon, request: Request, path: Path) -> Response:
    body = json_body(engine, request, EXEC)
    command = body.get("Cmd")
    if not command:
        raise ApiError(400, "No exec command specified")
    container = engine.containers.find(path["name"])
    engine.containers.execs.check_running(container, path["name"])
    user = str(body.get("User") or "")
    if engine.version >= "28.0" and (refusal := user_refusal(container, user)):
        raise ApiError(400, refusal)
    keys = str(body.get("DetachKeys") or "")
    if not is_detach_keys(keys):
        raise ApiError(500, f"Invalid escape keys ({keys}) provided")
    instance = Exec(
        id=engine.new_id(),
        container=container.id,
        command=[str(word) for word in command],
        tty=bool(body.get("Tty")),
        attach_stdin=bool(body.get("AttachStdin")),
        attach_stdout=bool(body.get("AttachStdout")),
        attach_stderr=bool(body.get("AttachStderr")),
        privileged=bool(body.get("Privileged")),
        user=user,
        detach_keys=keys,
        env=[str(pair) for pair in body.get("Env") or []],
        working_dir=str(body.get("WorkingDir") or ""),
    )
    engine.containers.execs.add(instance, container)
    return json_response({"Id": instance.id}, 201)


@route("POST", "/exec/{name}/start")
def _start(engine: Daemon, request: Request, path: Path) -> Response:
    version = engine.version
    body = json_body(engine, request, EXEC_START)
    instance, container = engine.containers.execs.startable(path["name"])
    execs, has_run = engine.containers.execs, instance.exit_code is not None
    if body.get("Detach"):
        if has_run:
            raise ApiError(409, messages.HAS_RUN(version, instance.id))
        work = execs.prepare(instance, container, lambda _entry: None)
        if instance.process is None or is_instant(instance.command):
            work()
        else:
            threading.Thread(target=work, name="fake-exec", daemon=True).start()
        return Response(200)
    # The streams are told apart as it is started, whatever terminal it was made with.
    bare = bool(body.get("Tty"))
    # Refused before the connection is taken over; then it is written to it.
    writers: list[Callable[[LogEntry], None]] = []
    work = (
        (lambda: None)
        if has_run
        else execs.prepare(instance, container, lambda entry: writers[0](entry))
    )

    def hijack(connection: socket.socket, ahead: bytes) -> None:
        if not has_run and (refusal := user_refusal(container, instance.user)):
            instance.exit_code = NOT_STARTED
            line = LogEntry(STDOUT, 0, f"{refusal}\r\n".encode())
            connection.sendall(frame(line, tty=bare))
            return
        if has_run:
            # It comes when the connection is taken over already.
            said = f"{messages.HAS_RUN(version, instance.id)}\r\n".encode()
            connection.sendall(frame(LogEntry(STDOUT, 0, said), tty=bare))
            return
        shown = {"stdout": instance.attach_stdout, "stderr": instance.attach_stderr}

        def write(entry: LogEntry) -> None:
            # The command goes on when its client is gone.
            with suppress(OSError):
                if wanted(entry, **shown):
                    connection.sendall(frame(entry, tty=bare))

        def lose() -> None:
            # An engine takes that for a failure of the command that it started.
            with suppress(OSError):
                line = LogEntry(STDOUT, 0, _ESCAPED.encode())
                connection.sendall(frame(line, tty=bare))
            execs.lose(instance, NOT_STARTED)

        writers.append(write)
        if instance.process is not None and instance.attach_stdin:
            send_input(
                pieces(connection, ahead),
                lambda: instance.process,
                ends=True,
                keys=DetachKeys(instance.detach_keys) if instance.tty else None,
                on_detach=lose,
            )
        work()

    headers = taken_over(engine.version, request, tty=bare)
    return Response(200, hijack=hijack, headers=headers)


@route("GET", "/exec/{name}/json")
def _inspect(engine: Daemon, _request: Request, path: Path) -> Response:
    instance = engine.containers.execs.find(path["name"])
    process: dict[str, Any] = {
        "tty": instance.tty,
        "entrypoint": instance.command[0],
        "arguments": instance.command[1:],
        "privileged": instance.privileged,
    }
    if instance.user:
        process["user"] = instance.user
    return json_response(
        {
            "ID": instance.id,
            "Running": instance.running,
            "ExitCode": instance.exit_code,
            "ProcessConfig": process,
            "OpenStdin": instance.attach_stdin,
            "OpenStderr": instance.attach_stderr,
            "OpenStdout": instance.attach_stdout,
            "CanRemove": False,
            "ContainerID": instance.container,
            "DetachKeys": "",
            "Pid": instance.pid,
        }
    )


@route("POST", "/exec/{name}/resize")
def _resize(engine: Daemon, request: Request, path: Path) -> Response:
    check_size(engine.version, request)
    engine.containers.execs.find(path["name"])
    return Response(200)
