"""Files of containers: archives in and out, changes, export."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagebuilders.oci.file_tree import walk_key
from imagebuilders.oci.tar_writer import with_hard_links, write_tar

from ... import go_text
from .. import messages
from ..containers.archive import ContainerArchive, Found
from ..containers.container import Container
from ..containers.mounted_files import mounted_files, read_only_refusal
from ..containers.users import numbers_of
from ..errors import ApiError
from ..filesystem.changes import changes
from ..filesystem.overlay import Owner
from ..http import Request, Response, chunks_of, json_response
from ..images.tar_styles import STYLES
from ..versions import EngineVersion
from .table import route

if TYPE_CHECKING:
    from ..daemon import Daemon

Path = dict[str, str]
_GO_MODE = {"dir": 1 << 31, "symlink": 1 << 27, "fifo": 1 << 25, "char": 1 << 21, "block": 1 << 26}


@contextmanager
def _archive(engine: Daemon, request: Request, path: Path) -> Iterator[ContainerArchive]:
    container = engine.containers.find(path["name"])
    if not request.parameter("path"):
        raise ApiError(400, messages.NO_PATH(engine.version))
    with mounted_files(engine.volumes, container, request.parameter("path")) as overlay:
        yield ContainerArchive(overlay, engine.version, path["name"])


def _stat(found: Found) -> str:
    file = found.file
    mode = (file.mode & 0o777) | _GO_MODE.get(file.kind, 0)
    for bit, go_bit in ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)):
        mode |= go_bit if file.mode & bit else 0
    size = len(file.data) if file.kind == "file" else len(file.link) or 4096
    document = {
        "name": found.name,
        "size": size,
        "mode": mode,
        "mtime": go_text.rfc3339(file.mtime * 1_000_000_000),
        "linkTarget": found.target,
    }
    return base64.b64encode(go_text.dumps(document).encode()).decode()


@route("GET", "/containers/{name}/archive")
@route("HEAD", "/containers/{name}/archive")
def _get_archive(engine: Daemon, request: Request, path: Path) -> Response:
    with _archive(engine, request, path) as archive:
        found = archive.find(request.parameter("path"))
        packed = b"" if request.method == "HEAD" else archive.pack(found)
    headers = {
        "Content-Type": "application/x-tar",
        "X-Docker-Container-Path-Stat": _stat(found),
    }
    if request.method == "HEAD":
        return Response(200, b"", headers)
    engine.containers.note(engine.containers.find(path["name"]), "archive-path")
    return Response(200, chunks_of(packed), headers)


@route("PUT", "/containers/{name}/archive")
def _put_archive(engine: Daemon, request: Request, path: Path) -> Response:
    with _archive(engine, request, path) as archive:
        # What does not exist, or is no folder, is told first.
        archive.check_destination(request.parameter("path"))
        container = engine.containers.find(path["name"])
        if reason := read_only_refusal(container, request.parameter("path")):
            raise ApiError(400 if engine.version >= "28.0" else 500, reason)
        archive.unpack(
            request.parameter("path"),
            request.content,
            keep_kinds=request.flag("noOverwriteDirNonDir"),
            owner=_owner(container, engine.version) if request.flag("copyUIDGID") else None,
        )
    engine.containers.note(engine.containers.find(path["name"]), "extract-to-dir")
    return Response(200)


def _owner(container: Container, version: EngineVersion) -> Owner | None:
    """Who the container's command runs as, by number; `None` for root as it comes.

    Raises:
        ApiError: nobody in the container has that name.
    """
    user = container.config.user
    if not user:
        return None
    found = numbers_of(container, user)
    if found is None and version >= "28.0":
        raise ApiError(
            400,
            f"failed to look up user {go_text.quote(user)} in container: "
            "no matching entries in passwd file",
        )
    if found is None:
        raise ApiError(500, f"getent unable to find entry {go_text.quote(user)} in passwd database")
    return Owner(*found)


@route("GET", "/containers/{name}/changes")
def _changes(engine: Daemon, _request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    overlay = container.overlay
    if overlay is None:
        return json_response(None)
    kinds = changes(overlay)
    lines = [{"Path": f"/{name}", "Kind": kinds[name]} for name in sorted(kinds, key=walk_key)]
    return json_response(lines or None)


@route("GET", "/containers/{name}/export")
def _export(engine: Daemon, _request: Request, path: Path) -> Response:
    container = engine.containers.find(path["name"])
    tree = container.overlay.tree if container.overlay else {}
    engine.containers.note(container, "export")
    entries = with_hard_links((name, tree[name]) for name in sorted(tree, key=walk_key))
    return Response(
        200,
        chunks_of(write_tar(entries, style=STYLES.of(engine.version))),
        {"Content-Type": "application/octet-stream"},
    )
