"""Images: list, inspect, history, tag, remove, prune, save, load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagebuilders.oci.reference import ImageReference, is_tag

from ... import go_text
from ...images.image import Image
from ...images.reference import InvalidReferenceError
from .. import messages
from ..errors import ApiError
from ..http import Request, Response, chunks_of, json_response
from ..images.config_forms import LEFT_OUT
from ..images.content_store import block_size, content_size, has_content, store_size
from ..images.loading import load
from ..images.removal import remove_image
from ..images.saving import save
from ..images.target_removal import prune_targets
from .filters import image_older_than, labels_match, read_filters, truth
from .image_lists import created_seconds, summaries
from .image_manifests import manifest_lines
from .platform_choice import asked_platform, chosen
from .streams import lines
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

_LIST_FILTERS = ("dangling", "label", "before", "since", "reference")
# What a configuration says of a container and never of an image.
_CONTAINER_ONLY = frozenset(
    {
        "Hostname",
        "Domainname",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Tty",
        "OpenStdin",
        "StdinOnce",
        "Image",
    }
)


_LEFT_OUT_EMPTY = ("Author", "Comment", "DockerVersion", "Parent")


@route("GET", "/images/json")
def _list(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    known = (*_LIST_FILTERS, "until") if engine.version >= "23.0" else _LIST_FILTERS
    if has_content(engine.state):
        known = (*known, "label!")
    filters = read_filters(request, engine.version, known)
    if only := request.parameter("filter"):
        filters.setdefault("reference", []).append(only)
    return json_response(
        summaries(
            engine,
            filters,
            everything=request.flag("all"),
            version=request.version,
            shared_size=engine.version.speaks(request.version, "1.42")
            and request.flag("shared-size"),
            manifests=engine.version.speaks(request.version, "1.47") and request.flag("manifests"),
        )
    )


def inspect(
    engine: Daemon,
    named: Image,
    version: str | None = None,
    *,
    manifests: bool = False,
    image: Image | None = None,
) -> dict[str, Any]:
    """What `GET /images/{name}/json` says of an image.

    Args:
        engine: the engine.
        named: what its name leads to.
        version: of the API that is asked for.
        manifests: whether its manifests are told.
        image: the one for a platform that was asked for.
    """
    asked, image = image is not None, image or named
    document = image.parsed
    rootfs: dict[str, Any] = {"Type": "layers"}
    if image.layers:
        rootfs["Layers"] = [layer.diff_id for layer in image.layers]
    last_tagged = go_text.rfc3339(named.last_tagged) if named.last_tagged else go_text.ZERO_TIME
    answer: dict[str, Any] = {
        "Id": named.id,
        "RepoTags": [str(reference) for reference in engine.images.tags_of(named.id)],
        "RepoDigests": [str(reference) for reference in engine.images.digests_of(named.id)],
        "Parent": named.parent,
        "Comment": _comment(document),
        "Created": document.get("created") or go_text.ZERO_TIME,
        "Container": document.get("container") or "",
        "ContainerConfig": image.container_config().to_json(LEFT_OUT.of(engine.version)),
        "DockerVersion": document.get("docker_version") or "",
        "Author": document.get("author") or "",
        "Config": _config(image),
        "Architecture": document.get("architecture") or "",
    }
    if document.get("variant"):
        answer["Variant"] = document["variant"]
    answer |= {
        "Os": document.get("os") or "",
        "Size": image.size,
        "VirtualSize": image.size,
        "GraphDriver": _graph_driver(engine, image),
        "RootFS": rootfs,
        "Metadata": {"LastTagTime": last_tagged},
    }
    speaks = engine.version.speaks
    if has_content(engine.state):
        answer["Size"] = answer["VirtualSize"] = content_size(image)
        if speaks(version, "1.48"):
            answer["Descriptor"] = image.target.described()
            if asked and (entry := image.index_entry) is not None:
                answer |= {"Id": entry["digest"], "Descriptor": entry}
            if manifests:
                answer["Manifests"] = manifest_lines(engine.containers, image)
        if speaks(version, "1.52"):
            del answer["GraphDriver"]
        if speaks(version, "1.53") and (identity := _identity(named)):
            answer["Identity"] = identity
        elsewhere = document.get("architecture") != "amd64"
        if engine.version >= "29.0" and elsewhere and not asked:
            # Of an image for another machine it says what names it, and no more.
            answer |= {"Architecture": "", "Os": "", "RootFS": {"Type": ""}, "Config": {}}
    if speaks(version, "1.44"):
        del answer["VirtualSize"]
        if not document.get("created"):
            del answer["Created"]
    if speaks(version, "1.45"):
        del answer["Container"], answer["ContainerConfig"]
    if speaks(version, "1.50") and answer["Config"]:
        config = answer["Config"]
        answer["Config"] = {
            # An empty command is told as none.
            k: (config[k] or None) if k in ("Cmd", "Entrypoint") else config[k]
            for k in config
            if k not in _CONTAINER_ONLY
        }
    if speaks(version, "1.52"):
        _leave_out_empty(answer)
    return answer


def _identity(image: Image) -> dict[str, Any]:
    """What is told of where an image comes from, and of the repositories that have it."""
    paths = [f"{host}/{path}" for host in sorted(image.sources) for path in image.sources[host]]
    names = dict.fromkeys(ImageReference.parse(path).full_repository for path in paths)
    pulls = [{"Repository": name} for name in names]
    builds = [_build(each) for each in sorted(image.builds)]
    return {**({"Pull": pulls} if pulls else {}), **({"Build": builds} if builds else {})}


def _build(made: tuple[str, int]) -> dict[str, str]:
    """What is told of a build that made an image."""
    ref, finished = made
    return {"Ref": ref, "CreatedAt": go_text.rfc3339(finished)}


def _leave_out_empty(answer: dict[str, Any]) -> None:
    """Let a document say nothing of what is empty, as from API 1.52 on."""
    for name in _LEFT_OUT_EMPTY:
        if not answer[name]:
            del answer[name]
    if config := answer["Config"]:
        answer["Config"] = {k: v for k, v in config.items() if v}


def _config(image: Image) -> dict[str, Any] | None:
    """What runs in a container of it; what the document does not say is told as empty."""
    config = image.run_config()
    return None if config is None else config.to_json()


def _comment(document: dict[str, Any]) -> str:
    if document.get("comment"):
        return str(document["comment"])
    history = document.get("history") or []
    return str(history[-1].get("comment") or "") if history else ""


def _graph_driver(engine: Daemon, image: Image) -> dict[str, Any]:
    if has_content(engine.state):
        return {"Data": None, "Name": "overlayfs"}
    return {"Data": _graph_data(image), "Name": "overlay2"}


def _graph_data(image: Image) -> dict[str, str] | None:
    if not image.layers:
        return None
    folders = [f"/var/lib/docker/overlay2/{layer.diff_id[7:]}" for layer in image.layers]
    data = {
        "LowerDir": ":".join(f"{folder}/diff" for folder in reversed(folders[:-1])),
        "MergedDir": f"{folders[-1]}/merged",
        "UpperDir": f"{folders[-1]}/diff",
        "WorkDir": f"{folders[-1]}/work",
    }
    if not data["LowerDir"]:
        del data["LowerDir"]
    return data


@route("GET", "/images/{name:.*}/json")
def _inspect(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    platform = asked_platform(engine, request, "1.49")
    manifests = request.flag("manifests")
    if platform is not None and manifests:
        words = "conflicting options: manifests and platform options cannot both be set"
        raise ApiError(400, words)
    try:
        named = engine.images.find(path["name"])
    except ApiError as error:
        words = messages.MISSING_INSPECTED(engine.version, path["name"], error.message)
        raise ApiError(error.status, words) from error
    image = None if platform is None else chosen(engine, named, path["name"], platform)
    answer = inspect(engine, named, request.version, manifests=manifests, image=image)
    return json_response(answer)


@route("GET", "/images/{name:.*}/history")
def _history(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    platform = asked_platform(engine, request, "1.48")
    named = engine.images.find(path["name"])
    image = chosen(engine, named, path["name"], platform)
    layers = iter(zip(image.layers, image.chain_ids, strict=True))
    entries: list[dict[str, Any]] = []
    for line in image.history:
        size = 0
        if not line.get("empty_layer"):
            layer, chain = next(layers, (None, ""))
            if layer is not None and has_content(engine.state):
                size = block_size(layer) if engine.images.is_unpacked(chain) else 0
            elif layer is not None:
                size = layer.size
        entries.append(
            {
                "Comment": line.get("comment") or "",
                "Created": created_seconds(line.get("created"), engine.version),
                "CreatedBy": line.get("created_by") or "",
                "Id": "<missing>",
                "Size": size,
                "Tags": None,
            }
        )
    entries.reverse()
    current: Image | None = named
    for entry in entries:
        if current is None:
            break
        entry["Id"] = current.id
        entry["Tags"] = [str(r) for r in engine.images.tags_of(current.id)] or None
        current = engine.images.get(current.parent)
    return json_response(entries if entries or not has_content(engine.state) else None)


@route("POST", "/images/{name:.*}/tag")
def _tag(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    with engine.state.lock:
        image = engine.images.find(path["name"])
        reference = _tag_target(engine, request.parameter("repo"), request.parameter("tag"))
        if reference is None:
            return Response(200)
        engine.images.retag(reference, image)
    return Response(201)


def _tag_target(engine: Daemon, repository: str, tag: str) -> ImageReference | None:
    """The name to give, `None` when newer engines take an empty one for nothing to do."""
    if not repository and engine.version >= "23.0":
        return None
    if tag and not is_tag(tag):
        raise ApiError(engine.version.bad_request(), "invalid tag format")
    try:
        return named(engine, repository, tag)
    except ApiError as error:
        is_form = error.message.startswith("invalid reference")
        status = engine.version.bad_request() if is_form else error.status
        raise ApiError(status, error.message) from error


def named(engine: Daemon, repository: str, tag: str) -> ImageReference:
    """The name that an image is to get.

    Raises:
        ApiError: it is none.
    """
    try:
        reference = engine.parse_name(repository)
        if reference.digest:
            raise ApiError(400, messages.DIGEST_AS_TAG(engine.version))
        if tag:
            reference = engine.parse_name(
                f"{repository}:{tag}" if not reference.tag else f"{reference.full_repository}:{tag}"
            )
    except InvalidReferenceError as error:
        raise ApiError(400, str(error)) from error
    return reference.tagged()


@route("DELETE", "/images/{name:.*}")
def _remove(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    with engine.state.lock:
        records = remove_image(
            engine.images,
            engine.containers,
            path["name"],
            force=request.flag("force"),
            prune=not request.flag("noprune"),
        )
    return json_response(records)


def _taken(engine: Daemon) -> int:
    """What all images take together."""
    if has_content(engine.state):
        return store_size(engine.images, snapshots=engine.version >= "29.0")
    return sum(layer.size for layer in engine.images.layers())


@route("POST", "/images/prune")
def _prune(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    filters = read_filters(request, engine.version, ("dangling", "until", "label", "label!"))
    dangling_only = truth(filters, "dangling", engine.version) is not False
    has_targets = has_content(engine.state)
    until = image_older_than(filters, engine.clock(), engine.version, several=has_targets)
    records: list[dict[str, str]] = []
    before = _taken(engine)
    chosen: list[Image] = []
    with engine.state.lock:
        for image in engine.images.all():
            tags = engine.images.tags_of(image.id)
            # In containerd's store, no image is needed for another.
            needed = not has_targets and engine.images.children(image.id)
            if engine.images.get(image.id) is None or needed:
                continue
            if dangling_only and (tags or engine.images.digests_of(image.id)):
                continue
            if until is not None and image.created > until:
                continue
            labels = (image.parsed.get("config") or {}).get("Labels") or {}
            if not labels_match(labels, filters.get("label", [])):
                continue
            if any(labels_match(labels, [item]) for item in filters.get("label!", [])):
                continue
            if engine.containers.of_image(image.id):
                continue
            chosen.append(image)
            if has_targets:
                continue
            for name in [str(reference) for reference in tags] or [image.id]:
                records.extend(
                    remove_image(engine.images, engine.containers, name, force=False, prune=True)
                )
        if has_targets:
            records = prune_targets(engine.images, engine.containers, chosen)
    freed = before - _taken(engine)
    if has_targets:
        return json_response({"ImagesDeleted": records or None, "SpaceReclaimed": freed})
    engine.event_log.add("image", "prune", "", {"reclaimed": str(freed)})
    return json_response({"ImagesDeleted": records or None, "SpaceReclaimed": freed})


@route("GET", "/images/get")
@route("GET", "/images/{name:.*}/get")
def _save(engine: Daemon, request: Request, path: dict[str, str]) -> Response:
    names = [path["name"]] if "name" in path else request.parameters("names")
    platform = asked_platform(engine, request, "1.48")
    data = save(engine.images, names, platform)
    return Response(200, chunks_of(data), {"Content-Type": "application/x-tar"})


@route("POST", "/images/load")
def _load(engine: Daemon, request: Request, _path: dict[str, str]) -> Response:
    quiet = request.flag("quiet") or not request.parameters("quiet")
    platform = asked_platform(engine, request, "1.48")
    messages = load(engine.images, request.content, platform)
    if quiet:
        messages = (message for message in messages if "status" not in message)
    # All is done before it answers: many clients do not read the answer.
    told = list(lines(messages, engine.version))
    return Response(200, told, {"Content-Type": "application/json"})
