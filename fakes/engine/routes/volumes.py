"""Volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ApiError
from ..go_json import STRING, STRINGS, Kind, Struct
from ..http import Request, Response, json_response
from ..versions import ByVersion
from ..volumes.store import ANONYMOUS, Volume
from .bodies import json_body
from .filters import (
    labels_match,
    name_matches,
    parse_boolean,
    read_filters,
    truth,
    without_labels,
)
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_LIST_FILTERS = ("dangling", "name", "driver", "label")
_PRUNE_FILTERS = ("label", "label!")

_CREATE_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("Name", "Driver"), STRING),
    **dict.fromkeys(("DriverOpts", "Labels"), STRINGS),
}
_CREATE = ByVersion(
    Struct("volume.VolumeCreateBody", _CREATE_FIELDS),
    {
        "23.0": Struct("volume.CreateOptions", _CREATE_FIELDS),
        "29.0": Struct("volume.CreateRequest", _CREATE_FIELDS),
    },
)


@route("GET", "/volumes")
def _list(engine: Daemon, request: Request, _path: Path) -> Response:
    try:
        filters = read_filters(request, engine.version)
    except ApiError as error:
        raise ApiError(400, f"error reading volume filters: {error.message}") from error
    read_filters(request, engine.version, _LIST_FILTERS)
    dangling = truth(filters, "dangling", engine.version)
    lines = [
        volume.to_json()
        for volume in engine.volumes.all()
        if name_matches(volume.name, filters.get("name"))
        and labels_match(volume.labels or {}, filters.get("label", []))
        and ("driver" not in filters or volume.driver in filters["driver"])
        and (dangling is None or dangling is not bool(users(engine, volume)))
    ]
    return json_response({"Volumes": lines, "Warnings": None})


@route("POST", "/volumes/create")
def _create(engine: Daemon, request: Request, _path: Path) -> Response:
    volume = engine.volumes.create(json_body(engine, request, _CREATE))
    return json_response(volume.to_json(), 201)


@route("GET", "/volumes/")
def _nameless(_engine: Daemon, _request: Request, _path: Path) -> Response:
    raise ApiError(404, "get: no such volume")


@route("GET", "/volumes/{name}")
def _inspect(engine: Daemon, _request: Request, path: Path) -> Response:
    return json_response(engine.volumes.find(path["name"]).to_json())


def users(engine: Daemon, volume: Volume) -> list[str]:
    """The ids of the containers that have a volume, running or not."""
    return [
        container.id
        for container in engine.containers.all()
        if any(mount.get("Name") == volume.name for mount in container.mounts)
    ]


@route("DELETE", "/volumes/{name}")
def _remove(engine: Daemon, request: Request, path: Path) -> Response:
    if request.flag("force") and engine.volumes.get(path["name"]) is None:
        return Response(204)
    volume = engine.volumes.find(path["name"])
    if having := users(engine, volume):
        raise ApiError(409, f"remove {volume.name}: volume is in use - [{', '.join(having)}]")
    engine.volumes.remove(volume)
    return Response(204)


@route("POST", "/volumes/prune")
def _prune(engine: Daemon, request: Request, _path: Path) -> Response:
    named_too = not engine.version.speaks(request.version, "1.42")
    known = _PRUNE_FILTERS if engine.version < "23.0" else (*_PRUNE_FILTERS, "all")
    filters = read_filters(request, engine.version, known)
    if "all" in filters:
        named_too = parse_boolean(filters["all"], "all")
    gone, freed = [], 0
    for volume in engine.volumes.all():
        labels = volume.labels or {}
        if users(engine, volume) or not (named_too or ANONYMOUS in labels):
            continue
        if labels_match(labels, filters.get("label", [])) and without_labels(labels, filters):
            engine.volumes.remove(volume, pruned=True)
            gone.append(volume.name)
            freed += volume.size
    engine.event_log.add("volume", "prune", "", {"reclaimed": str(freed)})
    return json_response({"VolumesDeleted": gone, "SpaceReclaimed": freed})


@route("PUT", "/volumes/{name}")
def _update(engine: Daemon, _request: Request, _path: Path) -> Response:
    if engine.version < "23.0":
        raise ApiError(404, "page not found")
    raise ApiError(503, "volume update only valid for cluster volumes, but swarm is unavailable")
