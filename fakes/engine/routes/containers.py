"""Containers: create, list, inspect, rename, remove, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...images.config import RunConfig
from .. import messages
from ..containers.checks import warnings
from ..containers.hardware_addresses import spread
from ..containers.view import inspect, summary
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..platforms import parse_platform
from .bodies import config_body
from .container_lists import LIST_FILTERS, listed
from .container_types import CONFIG
from .filters import labels_match, older_than, read_filters
from .numbers import integer
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_PRUNE_FILTERS = ("label", "label!", "until")


@route("POST", "/containers/create")
def _create(engine: Daemon, request: Request, _path: Path) -> Response:
    version = engine.version
    body = config_body(engine, request, CONFIG)
    host = body.get("HostConfig")
    if not set(body) - {"HostConfig", "NetworkingConfig"}:
        raise ApiError(400, messages.NO_CONFIG(version))
    if version.speaks(request.version, "1.52"):
        body.pop("MacAddress", None)  # each connection has its own
    config = RunConfig.from_json(body)
    mode = (host or {}).get("NetworkMode") or "default"
    asked = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    for name, settings in asked.items():
        if settings is None:
            raise ApiError(400, messages.NO_ENDPOINT(version, name))
    first = "bridge" if mode == "default" else mode
    # Only who asks for the default network may call it that.
    networks = {
        first if name == mode == "default" else name: dict(settings)
        for name, settings in asked.items()
    }
    if not networks and not mode.startswith("container:"):
        if (found := engine.networks.get(first)) is not None:
            first = found.name
        networks = {first: {}}
    spread(config, networks, first, version)
    platform = request.parameter("platform")
    wanted = parse_platform(platform) if platform else None
    with engine.state.lock:  # the image stays until its container is there
        container = engine.containers.create(
            config, host, networks, request.parameter("name"), wanted
        )
    doubts = warnings({**container.host_config, **(host or {})}, version)
    if body.get("MacAddress") and version.speaks(request.version, "1.44"):
        doubts.append(messages.OLD_MAC_ADDRESS)
    return json_response({"Id": container.id, "Warnings": doubts}, 201)


@route("GET", "/containers/json")
def _list(engine: Daemon, request: Request, _path: Path) -> Response:
    filters = read_filters(request, engine.version, LIST_FILTERS)
    limit = integer(request.parameter("limit") or "0", engine.version.bad_number())
    chosen = listed(engine, filters, everything=request.flag("all"), limit=limit)
    size = request.flag("size")
    return json_response(
        [summary(engine.containers, each, request.version, size=size) for each in chosen]
    )


@route("GET", "/containers/{name:.*}/json")
def _inspect(engine: Daemon, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    return json_response(
        inspect(engine.containers, container, request.version, size=request.flag("size"))
    )


@route("POST", "/containers/{name}/rename")
def _rename(engine: Daemon, request: Request, path: Path) -> Response:
    if not (name := request.parameter("name")):
        raise ApiError(400, messages.NO_NAME)
    engine.containers.rename(engine.containers.find(path["name"]), name)
    return Response(204)


@route("DELETE", "/containers/{name:.*}")
def _remove(engine: Daemon, request: Request, path: Path) -> Response:
    if request.flag("link"):
        engine.containers.unlink(path["name"])
        return Response(204)
    container = engine.containers.find(path["name"])
    engine.containers.remove(
        container, path["name"], force=request.flag("force"), with_volumes=request.flag("v")
    )
    return Response(204)


@route("POST", "/containers/prune")
def _prune(engine: Daemon, request: Request, _path: Path) -> Response:
    try:
        filters = read_filters(request, engine.version, _PRUNE_FILTERS)
    except ApiError as error:  # of this request, older engines say whose fault it is
        raise ApiError(400, error.message) from error
    newest = older_than(
        filters, engine.clock(), engine.version, status=engine.version.bad_request()
    )
    gone, freed = [], 0
    for container in engine.containers.all():
        labels = container.config.labels or {}
        if container.running or (newest is not None and container.created >= newest):
            continue
        unwanted = any(labels_match(labels, [label]) for label in filters.get("label!", []))
        if unwanted or not labels_match(labels, filters.get("label", [])):
            continue
        freed += int(inspect(engine.containers, container, size=True)["SizeRw"])
        engine.containers.remove(container)
        gone.append(container.id)
    engine.event_log.add("container", "prune", "", {"reclaimed": str(freed)})
    return json_response({"ContainersDeleted": gone or None, "SpaceReclaimed": freed})
