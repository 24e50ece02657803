"""The doors to the BuildKit inside an engine, where it was given one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...images.seeded_image import seeded_image
from ..errors import ApiError
from ..http import Request, Response
from .table import not_implemented, route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
Serve = Callable[[socket.socket, bytes], None]


@route("POST", "/grpc")
def _grpc(engine: Daemon, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)

    def make_image(names: Sequence[str]) -> str:
        with engine.state.lock:
            image = engine.images.add(seeded_image(engine.version.version, engine.clock()))
            for name in names:
                engine.images.retag(engine.parse_name(name), image)
        return image.id

    return _upgraded(
        request,
        lambda connected, begun: buildkit.attach(connected, begun=begun, make_image=make_image),
    )


@route("POST", "/session")
def _session(engine: Daemon, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)
    fields = tuple((name.lower(), value) for name, value in request.headers)
    return _upgraded(
        request, lambda connected, begun: buildkit.attach_session(connected, fields, begun=begun)
    )


def _upgraded(request: Request, serve: Serve) -> Response:
    wanted = request.headers.get("Upgrade")
    if not wanted:
        raise ApiError(400, "no upgrade proto in request")
    if wanted != "h2c":
        raise ApiError(500, f"protocol {wanted} not supported")

    def hijack(connection: socket.socket, ahead: bytes) -> None:
        connection.setblocking(False)
        serve(connection, ahead)

    return Response(101, headers={"Connection": "Upgrade", "Upgrade": "h2c"}, hijack=hijack)
