"""Swarms, of which the engine is in none, and plugins, of which it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ApiError
from ..http import Request, Response, json_response
from ..messages import NO_MANAGER
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon


@route("GET", "/swarm")
@route("GET", "/nodes")
@route("GET", "/services")
@route("GET", "/tasks")
@route("GET", "/secrets")
@route("GET", "/configs")
def _list(_engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    raise ApiError(503, NO_MANAGER)


@route("POST", "/swarm/leave")
def _leave(_engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    raise ApiError(503, "This node is not part of a swarm")


@route("POST", "/swarm/update")
@route("POST", "/swarm/unlock")
@route("GET", "/swarm/unlockkey")
@route("POST", "/services/create")
@route("POST", "/secrets/create")
@route("POST", "/configs/create")
@route("GET", "/services/{name}")
@route("DELETE", "/services/{name}")
@route("GET", "/nodes/{name}")
@route("DELETE", "/nodes/{name}")
@route("GET", "/tasks/{name}")
@route("GET", "/secrets/{name}")
@route("DELETE", "/secrets/{name}")
@route("GET", "/configs/{name}")
@route("DELETE", "/configs/{name}")
def _managed(_engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    raise ApiError(503, NO_MANAGER)


@route("GET", "/plugins")
def _plugins(_engine: Daemon, _request: Request, _path: dict[str, str]) -> Response:
    return json_response([])


@route("GET", "/plugins/{name:.*}/json")
def _plugin(_engine: Daemon, _request: Request, path: dict[str, str]) -> Response:
    raise ApiError(404, f'plugin "{path["name"]}" not found')
