"""What takes room, and the cache of builds that takes none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from imagebuilders.buildkit.proto.control_pb2 import PruneRequest

from ... import go_text
from ..containers.container import Container
from ..containers.view import summary
from ..errors import ApiError
from ..http import Request, Response, json_response
from ..timestamps import parse_moment
from ..versions import DISK_USE_BY_KIND, EXACT_TIMES
from .filters import Filters, read_filters
from .image_lists import summaries
from .table import route
from .volumes import users

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.control_pb2 import UsageRecord

    from ...buildkit import ScriptedBuildKit
    from ..daemon import Daemon

_KINDS: tuple[str, ...] = ("container", "image", "volume", "build-cache")
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
_OF_RECORDS = (("id", "~="), ("type", "=="), ("description", "=="), ("inuse", "=="))
"""The filters that are about records of the build cache, and how values are compared."""


@route("GET", "/system/df")
def _disk_use(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    kinds = request.parameters("type")
    if not kinds or not engine.version.speaks(request.version, "1.42"):
        kinds = list(_KINDS)
    for kind in kinds:
        if kind not in _KINDS:
            raise ApiError(400, f"unknown object type: {kind}")
    if engine.version.has(DISK_USE_BY_KIND):
        return json_response(_by_kind(engine, request, kinds))
    answer: dict[str, Any] = {
        "LayersSize": sum(layer.size for layer in engine.images.layers())
        if "image" in kinds
        else 0,
        "Images": _images(engine, request) if "image" in kinds else None,
        "Containers": [_container(engine, c) for c in engine.containers.all()]
        if "container" in kinds
        else None,
        "Volumes": _volumes(engine) if "volume" in kinds else None,
        "BuildCache": [] if engine.version >= "23.0" and "build-cache" in kinds else None,
    }
    if engine.version < "23.0":
        answer["BuilderSize"] = 0
    return json_response(answer)


def _container(engine: Daemon, container: Container, api: str | None = None) -> dict[str, Any]:
    line = summary(engine.containers, container, api, size=True)
    line.pop("ImageManifestDescriptor", None)  # which only the list of containers tells
    return line


def _by_kind(engine: Daemon, request: Request, kinds: list[str]) -> dict[str, Any]:
    """What newer engines tell: only what was asked for, and from API 1.52 on its sums."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    if "image" in kinds:
        images = _images(engine, request)
        size = sum(layer.size for layer in engine.images.layers())
        old |= {**({"LayersSize": size} if size else {}), "Images": images}
        free = sum(line["Size"] for line in images if not line["Containers"])
        active = sum(bool(line["Containers"]) for line in images)
        new["ImageUsage"] = _usage(images, active, size, min(free, size))
    if "container" in kinds:
        containers = engine.containers.all()
        lines = [_container(engine, c, request.version) for c in containers]
        old["Containers"] = lines
        sizes = {c.id: line.get("SizeRw", 0) for c, line in zip(containers, lines, strict=True)}
        active = sum(c.running for c in containers)
        free = sum(sizes[c.id] for c in containers if not c.running)
        new["ContainerUsage"] = _usage(lines, active, sum(sizes.values()), free)
    if "volume" in kinds:
        volumes = _volumes(engine)
        old["Volumes"] = volumes
        used = [line["UsageData"] for line in volumes]
        free = sum(each["Size"] for each in used if not each["RefCount"])
        active = sum(bool(each["RefCount"]) for each in used)
        new["VolumeUsage"] = _usage(volumes, active, sum(each["Size"] for each in used), free)
    if "build-cache" in kinds:
        old["BuildCache"] = []
        new["BuildCacheUsage"] = _usage([], 0, 0, 0)
    if not engine.version.speaks(request.version, "1.52"):
        return old
    return new if request.flag("verbose") else {**old, **new}


def _usage(items: list[dict[str, Any]], active: int, size: int, free: int) -> dict[str, Any]:
    """What one kind of thing takes; numbers that are 0 are left out."""
    numbers = {"ActiveCount": active, "Reclaimable": free, "TotalCount": len(items)}
    told = {name: number for name, number in {**numbers, "TotalSize": size}.items() if number}
    return {**told, **({"Items": items} if items else {})}


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
    removed = []
    if engine.buildkit is not None:
        removed = _prune_buildkit(engine.buildkit, filters, is_all=request.flag("all"))
    freed = sum(record.Size for record in removed)
    engine.event_log.add("builder", "prune", "", {"reclaimed": str(freed)})
    deleted = [record.ID for record in removed] or None
    return json_response({"CachesDeleted": deleted, "SpaceReclaimed": freed})


def _prune_buildkit(
    buildkit: ScriptedBuildKit, filters: Filters, *, is_all: bool
) -> list[UsageRecord]:
    """Remove what the engine's BuildKit keeps."""
    parts = [
        f"{name}{operator}{value}"
        for name, operator in _OF_RECORDS
        for value in filters.get(name, [])
    ]
    wanted = [",".join(parts)] if parts else []
    return buildkit.cache.prune(PruneRequest(all=is_all, filter=wanted))


def _check_until(engine: Daemon, values: list[str]) -> None:
    if not values:
        return
    text, moments = values[0], engine.version >= "23.0"
    expected = "\"until\" filter expects a duration (e.g., '24h')"
    try:
        if moments:
            parse_moment(text, engine.clock(), exact=engine.version.has(EXACT_TIMES))
        else:
            go_text.parse_duration(text)
    except ValueError as error:
        more = " or a timestamp" if moments else ""
        raise ApiError(engine.version.bad_request(), f"{expected}{more}: {error}") from error
