"""Containers: start, stop, restart, kill, pause, unpause, wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ... import go_text
from .. import messages
from ..errors import ApiError
from ..http import Request, Response
from .numbers import integer
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_CONDITIONS = ("", "not-running", "next-exit", "removed")
_LONGEST_EMPTY_BODY = 7
"""Bytes up to which a body is taken for one that says nothing, as in `{}`."""


@route("POST", "/containers/{name}/start")
def _start(engine: Daemon, request: Request, path: Path) -> Response:
    if len(request.content) > _LONGEST_EMPTY_BODY:
        raise ApiError(
            400,
            "starting container with non-empty request body was deprecated since API v1.22 and "
            "removed in v1.24",
        )
    started = engine.containers.lifecycle.start(engine.containers.find(path["name"]))
    return Response(204 if started else 304)


def _seconds(request: Request, status: int = 500) -> int | None:
    """How long to wait for an end; `None` for as long as the container says."""
    text = request.parameter("t")
    return integer(text, status) if text else None


@route("POST", "/containers/{name}/stop")
def _stop(engine: Daemon, request: Request, path: Path) -> Response:
    seconds = _seconds(request, engine.version.bad_number())
    container, name = engine.containers.find(path["name"]), path["name"]
    ran = engine.containers.lifecycle.stop(container, request.parameter("signal"), name, seconds)
    return Response(204 if ran else 304)


@route("POST", "/containers/{name}/restart")
def _restart(engine: Daemon, request: Request, path: Path) -> Response:
    seconds = _seconds(request)
    container, name = engine.containers.find(path["name"]), path["name"]
    engine.containers.lifecycle.restart(container, request.parameter("signal"), name, seconds)
    return Response(204)


@route("POST", "/containers/{name}/kill")
def _kill(engine: Daemon, request: Request, path: Path) -> Response:
    try:
        container = engine.containers.find(path["name"])
    except ApiError as error:
        version = engine.version
        raise ApiError(
            error.status, messages.NO_KILL(version, path["name"], error.message)
        ) from error
    engine.containers.lifecycle.kill(container, request.parameter("signal") or "KILL", path["name"])
    return Response(204)


@route("POST", "/containers/{name}/pause")
def _pause(engine: Daemon, _request: Request, path: Path) -> Response:
    engine.containers.lifecycle.pause(engine.containers.find(path["name"]))
    return Response(204)


@route("POST", "/containers/{name}/unpause")
def _unpause(engine: Daemon, _request: Request, path: Path) -> Response:
    engine.containers.lifecycle.unpause(engine.containers.find(path["name"]))
    return Response(204)


@route("POST", "/containers/{name}/wait")
def _wait(engine: Daemon, request: Request, path: Path) -> Response:
    condition = request.parameter("condition")
    if condition not in _CONDITIONS:
        # Older engines take what they do not know for the usual.
        if engine.version >= "23.0":
            raise ApiError(400, f'invalid condition: "{condition}"')
        condition = ""
    container = engine.containers.find(path["name"])
    waiting = engine.containers.lifecycle.wait(container, condition)

    def body() -> Iterator[bytes]:
        # The headers go out at once: the CLI waits for them before it starts.
        yield b""
        code: int | None = None
        for code in waiting:
            if code is None:
                yield b""
        answer: dict[str, Any] = {} if engine.version >= "23.0" else {"Error": None}
        yield (go_text.dumps({**answer, "StatusCode": code}) + "\n").encode()

    return Response(200, body(), {"Content-Type": "application/json"})
