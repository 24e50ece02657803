"""The doors to the BuildKit inside an engine, where it was given one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response
from fakes.engine.images.seed import seeded_image
from fakes.engine.routes.router import Route, not_implemented

if TYPE_CHECKING:
    from io import BufferedReader

    from fakes.engine.engine import FakeDockerEngine

Path = dict[str, str]
Serve = Callable[[socket.socket, bytes], None]


def _grpc(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)

    def make_image(names: Sequence[str]) -> str:
        with engine.lock:
            image = engine.images.add(seeded_image(engine.version.version, engine.clock()))
            for name in names:
                engine.tag_image(engine.parse_name(name), image)
        return image.id

    return _upgraded(
        request,
        lambda connected, begun: buildkit.attach(connected, begun=begun, make_image=make_image),
    )


def _session(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    buildkit = engine.buildkit
    if buildkit is None:
        return not_implemented(engine, request, path)
    return _upgraded(
        request,
        lambda connected, begun: buildkit.attach_session(
            connected, request.header_lines, begun=begun
        ),
    )


def _upgraded(request: Request, serve: Serve) -> Response:
    wanted = request.headers.get("upgrade")
    if wanted is None:
        raise ApiError(400, "no upgrade proto in request")
    if wanted != "h2c":
        raise ApiError(500, f"protocol {wanted} not supported")

    def hijack(connection: socket.socket, reader: BinaryIO) -> None:
        connection.setblocking(False)
        begun = bytes(cast("BufferedReader", reader).peek())
        # The connection outlives what serves it, for the engine closes it in its own way.
        serve(connection.dup(), begun)

    return Response(101, headers={"Connection": "Upgrade", "Upgrade": "h2c"}, hijack=hijack)


ROUTES: list[Route] = [
    ("POST", "/grpc", _grpc),
    ("POST", "/session", _session),
]
