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
    from ...buildkit import ScriptedBuildKit
    from ..daemon import Daemon

Path = dict[str, str]
Serve = Callable[[socket.socket, bytes], None]


@route("POST", "/grpc")
def _grpc(engine: Daemon, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)

    return _upgraded(request, calls_of(engine, buildkit))


def calls_of(engine: Daemon, buildkit: ScriptedBuildKit) -> Serve:
    """Return what serves a connection of gRPC."""

    def make_image(names: Sequence[str]) -> str:
        with engine.state.lock:
            image = engine.images.add(seeded_image(engine.version.version, engine.clock()))
            for name in names:
                engine.images.retag(engine.parse_name(name), image)
        return image.id

    def serve(connection: socket.socket, begun: bytes) -> None:
        connection.setblocking(False)
        buildkit.attach(connection, begun=begun, make_image=make_image)

    return serve


@route("POST", "/session")
def _session(engine: Daemon, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)
    fields = tuple((name.lower(), value) for name, value in request.headers)

    def serve(connection: socket.socket, begun: bytes) -> None:
        connection.setblocking(False)
        buildkit.attach_session(connection, fields, begun=begun)

    return _upgraded(request, serve)


def _upgraded(request: Request, serve: Serve) -> Response:
    wanted = request.headers.get("Upgrade")
    if not wanted:
        raise ApiError(400, "no upgrade proto in request")
    if wanted != "h2c":
        raise ApiError(500, f"protocol {wanted} not supported")

    return Response(101, headers={"Connection": "Upgrade", "Upgrade": "h2c"}, hijack=serve)
