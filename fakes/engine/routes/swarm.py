"""Swarms, of which the engine is in none, and plugins, of which it has none."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..errors import ApiError
from ..go_json import INT, STRING, Kind, ListOf, Struct
from ..http import Request, Response, json_response
from ..messages import NO_MANAGER
from ..versions import ByVersion, EngineVersion
from .bodies import json_body
from .table import not_implemented, route

if TYPE_CHECKING:
    from ..daemon import Daemon


_ADDRESSES: dict[str, Kind] = dict.fromkeys(("ListenAddr", "AdvertiseAddr", "DataPathAddr"), STRING)
INIT = ByVersion(Struct("swarm.InitRequest", {**_ADDRESSES, "DataPathPort": INT}), {})
JOIN = ByVersion(Struct("swarm.JoinRequest", {**_ADDRESSES, "RemoteAddrs": ListOf(STRING)}), {})
_LOWEST_PORT, _HIGHEST_PORT = 1024, 49151
_NO_ADDRESS = "{} IP address or network interface (with optional port number)"


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


@route("POST", "/swarm/init")
def _init(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    body = json_body(engine, request, INIT)
    _check_address(str(body.get("ListenAddr") or ""))
    host = _host(engine.version, str(body["ListenAddr"]))
    if not _is_address(host):
        raise ApiError(400, _NO_ADDRESS.format("listen address must be an"))
    advertised = str(body.get("AdvertiseAddr") or "")
    # Which interfaces the machine has is not looked at: a name may be one of them.
    if advertised and _is_zero(advertised):
        raise ApiError(400, _NO_ADDRESS.format("advertise address must be a non-zero"))
    port = body.get("DataPathPort") or 0
    if port and not _LOWEST_PORT <= port <= _HIGHEST_PORT:
        reason = f"valid range ({_LOWEST_PORT}-{_HIGHEST_PORT}) : {port}"
        raise ApiError(500, f"Datapath port number is not in {reason}")
    return not_implemented(engine, request, {})


@route("POST", "/swarm/join")
def _join(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    body = json_body(engine, request, JOIN)
    _check_address(str(body.get("ListenAddr") or ""))
    if not body.get("RemoteAddrs"):
        raise ApiError(400, "at least 1 RemoteAddr is required to join")
    return not_implemented(engine, request, {})


def _check_address(address: str) -> None:
    if not address:
        raise ApiError(400, 'invalid ListenAddr "": invalid empty address')


def _host(version: EngineVersion, address: str) -> str:
    """The host of an address to listen on, whose port can be left out."""
    if address.count(":") > 1 and not address.startswith("["):
        raise ApiError(version.bad_request(), f"could not parse listen address {address}")
    return address.rpartition(":")[0] or address


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _is_zero(text: str) -> bool:
    host = text.rpartition(":")[0] if text.count(":") == 1 else text
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return True


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
