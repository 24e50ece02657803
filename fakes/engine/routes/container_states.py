"""Containers: start, stop, restart, kill, pause, unpause, wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fakes.engine import messages
from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response
from fakes.engine.routes.numbers import integer
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Path = dict[str, str]
_CONDITIONS = ("", "not-running", "next-exit", "removed")
_LONGEST_EMPTY_BODY = 7
"""Bytes up to which a body is taken for one that says nothing, as in `{}`."""


def _start(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    if len(request.body) > _LONGEST_EMPTY_BODY:
        raise ApiError(
            400,
            "starting container with non-empty request body was deprecated since API v1.22 and "
            "removed in v1.24",
        )
    started = engine.containers.lifecycle.start(engine.containers.find(path["name"]))
    return Response(204 if started else 304)


def _check_time(request: Request) -> None:
    """How long to wait for an end; nothing here needs that long."""
    if text := request.parameter("t"):
        integer(text, 500)


def _stop(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    _check_time(request)
    container = engine.containers.find(path["name"])
    ran = engine.containers.lifecycle.stop(container, request.parameter("signal"))
    return Response(204 if ran else 304)


def _restart(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    _check_time(request)
    container = engine.containers.find(path["name"])
    engine.containers.lifecycle.restart(container, request.parameter("signal"))
    return Response(204)


def _kill(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    try:
        container = engine.containers.find(path["name"])
    except ApiError as error:
        version = engine.version
        raise ApiError(
            error.status, messages.NO_KILL(version, path["name"], error.message)
        ) from error
    engine.containers.lifecycle.kill(container, request.parameter("signal") or "KILL")
    return Response(204)


def _pause(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.lifecycle.pause(engine.containers.find(path["name"]))
    return Response(204)


def _unpause(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    engine.containers.lifecycle.unpause(engine.containers.find(path["name"]))
    return Response(204)


def _wait(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
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
        yield (json.dumps({**answer, "StatusCode": code}) + "\n").encode()

    return Response(200, body(), {"Content-Type": "application/json"})


ROUTES: list[Route] = [
    ("POST", "/containers/{name}/start", _start),
    ("POST", "/containers/{name}/stop", _stop),
    ("POST", "/containers/{name}/restart", _restart),
    ("POST", "/containers/{name}/kill", _kill),
    ("POST", "/containers/{name}/pause", _pause),
    ("POST", "/containers/{name}/unpause", _unpause),
    ("POST", "/containers/{name}/wait", _wait),
]
