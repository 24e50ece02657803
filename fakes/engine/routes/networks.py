"""Networks and volumes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fakes.engine.containers.view import endpoint
from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, json_response
from fakes.engine.networks import Network
from fakes.engine.routes.filters import labels_match, read_filters
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Path = dict[str, str]
_PREDEFINED = frozenset({"bridge", "host", "none"})


def _body(request: Request) -> dict[str, Any]:
    try:
        value = json.loads(request.body or b"{}")
    except ValueError as error:
        raise ApiError(400, f"invalid JSON: {error}") from error
    return value if isinstance(value, dict) else {}


def _members(engine: FakeDockerEngine, network: Network) -> dict[str, Any]:
    members = {}
    for container in engine.containers.all():
        if container.running and network.name in container.networks:
            settings = endpoint(engine, container, network.name)
            members[container.id] = {
                "Name": container.name,
                "EndpointID": settings["EndpointID"],
                "MacAddress": settings["MacAddress"],
                "IPv4Address": f"{settings['IPAddress']}/16" if settings["IPAddress"] else "",
                "IPv6Address": "",
            }
    return members


def _list(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request)
    lines = []
    for network in engine.networks.all():
        if "name" in filters and not any(v in network.name for v in filters["name"]):
            continue
        if "id" in filters and not any(network.id.startswith(v) for v in filters["id"]):
            continue
        if "driver" in filters and network.driver not in filters["driver"]:
            continue
        if labels_match(network.labels, filters.get("label", [])):
            lines.append(network.to_json({}))
    return json_response(lines)


def _inspect(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    network = engine.networks.find(path["name"])
    return json_response(network.to_json(_members(engine, network)))


def _create(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    network = engine.networks.create(_body(request))
    return json_response({"Id": network.id, "Warning": ""}, 201)


def _remove(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    network = engine.networks.find(path["name"])
    engine.networks.remove(network, len(_members(engine, network)))
    return Response(204)


def _connect(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    network = engine.networks.find(path["name"])
    body = _body(request)
    container = engine.containers.find(str(body.get("Container") or ""))
    container.networks[network.name] = dict(body.get("EndpointConfig") or {})
    return Response(200)


def _disconnect(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    network = engine.networks.find(path["name"])
    container = engine.containers.find(str(_body(request).get("Container") or ""))
    if container.networks.pop(network.name, None) is None:
        raise ApiError(403, f"container {container.id} is not connected to network {network.name}")
    return Response(200)


def _prune(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request)
    gone = []
    used = {name for container in engine.containers.all() for name in container.networks}
    for network in engine.networks.all():
        if network.name in _PREDEFINED or network.name in used:
            continue
        if labels_match(network.labels, filters.get("label", [])):
            engine.networks.remove(network, 0)
            gone.append(network.name)
    return json_response({"NetworksDeleted": gone or None})


def _volumes(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request)
    lines = [
        volume.to_json()
        for volume in engine.volumes.all()
        if ("name" not in filters or any(v in volume.name for v in filters["name"]))
        and labels_match(volume.labels or {}, filters.get("label", []))
    ]
    return json_response({"Volumes": lines, "Warnings": None})


def _volume_create(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    return json_response(engine.volumes.create(_body(request)).to_json(), 201)


def _volume_inspect(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    return json_response(engine.volumes.find(path["name"]).to_json())


def _volume_users(engine: FakeDockerEngine, name: str) -> list[str]:
    return [c.id for c in engine.containers.all() if any(m.get("Name") == name for m in c.mounts)]


def _volume_remove(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    volume = engine.volumes.find(path["name"])
    users = _volume_users(engine, volume.name)
    if users and not request.flag("force"):
        raise ApiError(409, f"remove {volume.name}: volume is in use - [{', '.join(users)}]")
    engine.volumes.remove(volume)
    return Response(204)


def _volume_prune(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    filters = read_filters(request)
    gone = []
    for volume in engine.volumes.all():
        if _volume_users(engine, volume.name):
            continue
        if labels_match(volume.labels or {}, filters.get("label", [])):
            engine.volumes.remove(volume)
            gone.append(volume.name)
    return json_response({"VolumesDeleted": gone or None, "SpaceReclaimed": 0})


ROUTES: list[Route] = [
    ("GET", "/networks", _list),
    ("POST", "/networks/create", _create),
    ("POST", "/networks/prune", _prune),
    ("GET", "/networks/{name}", _inspect),
    ("DELETE", "/networks/{name}", _remove),
    ("POST", "/networks/{name}/connect", _connect),
    ("POST", "/networks/{name}/disconnect", _disconnect),
    ("GET", "/volumes", _volumes),
    ("POST", "/volumes/create", _volume_create),
    ("POST", "/volumes/prune", _volume_prune),
    ("GET", "/volumes/{name}", _volume_inspect),
    ("DELETE", "/volumes/{name}", _volume_remove),
]
