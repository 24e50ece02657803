"""What takes room, and the cache of builds that takes none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ... import go_text
from ..containers.view import summary
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..timestamps import parse_moment
from .filters import read_filters
from .image_lists import summaries
from .table import route
from .volumes import users

if TYPE_CHECKING:
    from ..daemon import Daemon

_KINDS = ("container", "image", "volume", "build-cache")
_PRUNE_FILTERS = (
    "until",
    "id",
    "label",
    "label!",
    "parent",
    "type",
    "description",
    "inuse",
    "shared",
    "private",
)


@route("GET", "/system/df")
def _disk_use(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    kinds = request.parameters("type")
    if not kinds or not engine.version.speaks(request.version, "1.42"):
        kinds = list(_KINDS)
    for kind in kinds:
        if kind not in _KINDS:
            raise ApiError(400, f"unknown object type: {kind}")
    answer: dict[str, Any] = {
        "LayersSize": sum(layer.size for layer in engine.images.layers())
        if "image" in kinds
        else 0,
        "Images": _images(engine, request) if "image" in kinds else None,
        "Containers": [summary(engine.containers, c, size=True) for c in engine.containers.all()]
        if "container" in kinds
        else None,
        "Volumes": _volumes(engine) if "volume" in kinds else None,
        "BuildCache": [] if engine.version >= "23.0" and "build-cache" in kinds else None,
    }
    if engine.version < "23.0":
        answer["BuilderSize"] = 0
    return json_response(answer)


def _images(engine: Daemon, request: Request) -> list[dict[str, Any]]:
    lines = summaries(engine, {}, everything=False, version=request.version, shared_size=True)
    having = Counter(container.image for container in engine.containers.all())
    for line in lines:
        line["Containers"] = having[line["Id"]]
        # Here nobody makes an empty list of none.
        line["RepoTags"] = line["RepoTags"] or None
        line["RepoDigests"] = line["RepoDigests"] or None
    return lines


def _volumes(engine: Daemon) -> list[dict[str, Any]]:
    return [
        {
            **volume.to_json(),
            "UsageData": {"RefCount": len(users(engine, volume)), "Size": volume.size},
        }
        for volume in engine.volumes.all()
    ]


@route("POST", "/build/prune")
def _build_prune(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    version = engine.version
    status = version.bad_request()
    keep = request.parameter("keep-storage")
    if keep and not keep.lstrip("-").isdigit():
        raise ApiError(
            status,
            f"keep-storage is in bytes and expects an integer, got {keep}: "
            f"strconv.Atoi: parsing {go_text.quote(keep)}: invalid syntax",
        )
    try:
        filters = read_filters(request, version)
    except ApiError as error:
        where = "" if version >= "23.0" else "could not parse filters: "
        raise ApiError(error.status, f"{where}{error.message}") from error
    try:
        read_filters(request, version, _PRUNE_FILTERS)
        _check_until(engine, filters.get("until", []))
    except ApiError as error:
        raise ApiError(error.status, f"failed to prune build cache: {error.message}") from error
    engine.event_log.add("builder", "prune", "", {"reclaimed": "0"})
    return json_response({"CachesDeleted": None, "SpaceReclaimed": 0})


def _check_until(engine: Daemon, values: list[str]) -> None:
    if not values:
        return
    text, moments = values[0], engine.version >= "23.0"
    expected = "\"until\" filter expects a duration (e.g., '24h')"
    try:
        if moments:
            parse_moment(text, engine.clock())
        else:
            go_text.parse_duration(text)
    except ValueError as error:
        more = " or a timestamp" if moments else ""
        raise ApiError(engine.version.bad_request(), f"{expected}{more}: {error}") from error
