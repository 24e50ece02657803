"""Files of containers: archives in and out, changes, export, commit."""

from __future__ import annotations

import base64
import json
import posixpath
from typing import TYPE_CHECKING, Any

from fakes.engine import go_text
from fakes.engine.builder.changes import apply_changes
from fakes.engine.builder.commit import layer_of
from fakes.engine.containers.container import Container
from fakes.engine.errors import ApiError
from fakes.engine.http import Request, Response, chunks_of, json_response
from fakes.engine.images import tar
from fakes.engine.images.config import ImageConfig, RunConfig, history_entry
from fakes.engine.images.files import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    children,
    clean,
    resolve,
    walk_key,
)
from fakes.engine.images.reference import InvalidReferenceError
from fakes.engine.images.store import Image
from fakes.engine.routes.router import Route

if TYPE_CHECKING:
    from fakes.engine.engine import FakeDockerEngine

Path = dict[str, str]
_GO_MODE = {"dir": 1 << 31, "symlink": 1 << 27, "fifo": 1 << 25, "char": 1 << 21, "block": 1 << 26}


def _tree(container: Container) -> Tree:
    return container.overlay.tree if container.overlay else {}


def _found(container: Container, path: str, name: str) -> tuple[str, File]:
    tree = _tree(container)
    missing = ApiError(404, f"Could not find the file {path} in container {name}")
    try:
        real = resolve(tree, path, follow_last=path.endswith("/"))
    except UnresolvedPathError as error:
        raise missing from error
    if not real:
        return real, File("dir", 0o755)
    if real not in tree:
        raise missing
    return real, tree[real]


def _stat(name: str, file: File) -> str:
    mode = (file.mode & 0o777) | _GO_MODE.get(file.kind, 0)
    for bit, go_bit in ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)):
        mode |= go_bit if file.mode & bit else 0
    size = len(file.data) if file.kind == "file" else len(file.link) or 4096
    document = {
        "name": name,
        "size": size,
        "mode": mode,
        "mtime": go_text.rfc3339(file.mtime * 1_000_000_000),
        "linkTarget": file.link,
    }
    return base64.b64encode(go_text.dumps(document).encode()).decode()


def _get_archive(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    wanted = request.parameter("path")
    if not wanted:
        raise ApiError(400, "bad parameter: path cannot be empty")
    real, file = _found(container, wanted, path["name"])
    name = posixpath.basename(real) or "/"
    headers = {
        "Content-Type": "application/x-tar",
        "X-Docker-Container-Path-Stat": _stat(name, file),
    }
    if request.method == "HEAD":
        return Response(200, b"", headers)
    tree = _tree(container)
    entries = [(name, file, "")] if real else []
    for below in children(tree, real):
        inside = below[len(real) :].lstrip("/")
        entries.append((f"{name}/{inside}" if real else inside, tree[below], ""))
    return Response(200, chunks_of(tar.write(entries)), headers)


def _put_archive(engine: FakeDockerEngine, request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    wanted = request.parameter("path")
    real, file = _found(container, wanted.rstrip("/") + "/", path["name"])
    if file.kind != "dir":
        raise ApiError(400, "extraction point is not a directory")
    overlay = container.overlay
    if overlay is None:
        return Response(200)
    members = tar.read(tar.decompress(request.body))
    for member in members:
        inside = clean(member.name)
        if not inside:
            continue
        target = f"{real}/{inside}".lstrip("/")
        existing = overlay.tree.get(target)
        if (
            request.flag("noOverwriteDirNonDir")
            and existing is not None
            and ((existing.kind == "dir") != (member.file.kind == "dir"))
        ):
            raise ApiError(400, f"cannot overwrite {existing.kind} {target} with another kind")
        for above in ancestors(target):
            if above not in overlay.tree:
                overlay.put(above, File("dir", 0o755, mtime=overlay.now))
        overlay.put(target, member.file)
    return Response(200)


def _changes(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    overlay = container.overlay
    if overlay is None:
        return json_response(None)
    lines: list[dict[str, Any]] = []
    for name in sorted({*overlay.tree, *overlay.lower}, key=walk_key):
        old, new = overlay.lower.get(name), overlay.tree.get(name)
        if new is None:
            if posixpath.dirname(name) in overlay.tree or "/" not in name:
                lines.append({"Path": f"/{name}", "Kind": 2})
        elif old is None:
            lines.append({"Path": f"/{name}", "Kind": 1})
        elif old != new or name in overlay.touched:
            lines.append({"Path": f"/{name}", "Kind": 0})
    return json_response(lines or None)


def _export(engine: FakeDockerEngine, _request: Request, path: Path) -> Response:
    tree = _tree(engine.containers.find(path["name"]))
    entries = [(name, tree[name], "") for name in sorted(tree, key=walk_key)]
    return Response(
        200, chunks_of(tar.write(entries)), {"Content-Type": "application/octet-stream"}
    )


def _commit(engine: FakeDockerEngine, request: Request, _path: Path) -> Response:
    container = engine.containers.find(request.parameter("container"))
    try:
        body = json.loads(request.body or b"null")
    except ValueError as error:
        raise ApiError(400, f"invalid JSON: {error}") from error
    config = container.config.copy()
    if isinstance(body, dict) and body:
        config = _overlaid(config, RunConfig.from_json(body))
    config = apply_changes(engine, config, _change_lines(request))
    repository = request.parameter("repo")
    reference = None
    if repository:
        try:
            tag = request.parameter("tag")
            reference = engine.parse_name(f"{repository}:{tag}" if tag else repository).tagged()
        except InvalidReferenceError as error:
            raise ApiError(400, str(error)) from error
    image = commit_container(
        engine, container, config, request.parameter("author"), request.parameter("comment")
    )
    if reference is not None:
        engine.tag_image(reference, image)
    return json_response({"Id": image.id}, 201)


def _change_lines(request: Request) -> list[str]:
    return [
        line for value in request.query.get("changes", []) for line in value.split("\n") if line
    ]


def _overlaid(base: RunConfig, wanted: RunConfig) -> RunConfig:
    result = base.copy()
    for name in ("user", "working_dir", "cmd", "entrypoint", "stop_signal", "healthcheck"):
        if getattr(wanted, name):
            setattr(result, name, getattr(wanted, name))
    if wanted.env:
        given = {pair.partition("=")[0] for pair in wanted.env}
        rest = [p for p in result.env or [] if p.partition("=")[0] not in given]
        result.env = [*wanted.env, *rest]
    result.labels = {**(result.labels or {}), **(wanted.labels or {})}
    if wanted.exposed_ports:
        result.exposed_ports = {**(result.exposed_ports or {}), **wanted.exposed_ports}
    if wanted.volumes:
        result.volumes = {**(result.volumes or {}), **wanted.volumes}
    return result


def commit_container(
    engine: FakeDockerEngine, container: Container, config: RunConfig, author: str, comment: str
) -> Image:
    """An image of a container as it is now."""
    parent = engine.images.get(container.image)
    if container.image and parent is None:
        # Its image was removed by force.
        algorithm, _, digits = container.image.partition(":")
        path = f"/var/lib/docker/image/overlay2/imagedb/content/{algorithm}/{digits}"
        raise ApiError(
            404 if engine.version.modern else 500,
            f"failed to get digest {container.image}: open {path}: no such file or directory",
        )
    layers = parent.layers if parent else ()
    layer = layer_of(container.overlay, engine.version.tar_style)
    now = engine.clock()
    history = list(parent.history) if parent else []
    history.append(
        history_entry(
            now,
            " ".join(container.config.cmd or []),
            author=author,
            comment=comment,
            empty=layer is None,
        )
    )
    if layer is not None:
        layers = (*layers, layer)
    document = ImageConfig(
        architecture=(parent.parsed.get("architecture") if parent else None) or "amd64",
        author=author,
        comment=comment,
        config=config,
        container=container.id,
        container_config=container.config,
        created=now,
        docker_version=engine.version.version,
        history=history,
        diff_ids=[item.diff_id for item in layers],
    )
    image = engine.images.add(Image(document.to_bytes(), layers, parent))
    engine.emit_event("container", "commit", container.id, image)
    return image


ROUTES: list[Route] = [
    ("GET", "/containers/{name}/archive", _get_archive),
    ("PUT", "/containers/{name}/archive", _put_archive),
    ("GET", "/containers/{name}/changes", _changes),
    ("GET", "/containers/{name}/export", _export),
    ("POST", "/commit", _commit),
]
