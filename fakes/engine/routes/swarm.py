"""Swarms, of which the engine is in none, and plugins, of which it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, json_response
from fakes.engine.messages import NO_MANAGER
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine


def _list(_engine: FakeDockerEngine, _request: Request, _path: dict[str, str]) -> Response:
    raise ApiError(503, NO_MANAGER)


def _plugins(_engine: FakeDockerEngine, _request: Request, _path: dict[str, str]) -> Response:
    return json_response([])


def _plugin(_engine: FakeDockerEngine, _request: Request, path: dict[str, str]) -> Response:
    raise ApiError(404, f'plugin "{path["name"]}" not found')


ROUTES: list[Route] = [
    *(
        ("GET", path, _list)
        for path in ("/swarm", "/nodes", "/services", "/tasks", "/secrets", "/configs")
    ),
    ("GET", "/plugins", _plugins),
    ("GET", "/plugins/{name:.*}/json", _plugin),
]
