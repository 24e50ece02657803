"""What a saved image is: its document, history and files, in a form to compare."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from imagebuilders.oci.file_tree import File, clean, walk_key

from ...images import tar
from ...images.layers import Layer, flatten
from .context import MTIME

_FIXED_TIMES = range(MTIME - 10_000_000, MTIME + 10_000_000)
_DROPPED = ("created", "container", "docker_version", "history", "rootfs")


def view(archive: bytes) -> dict[str, Any]:
    """The one image of an archive of `GET /images/{name}/get`."""
    members = tar.read(tar.decompress(archive))
    files = {clean(m.name): m.file.data for m in members if m.file.kind == "file"}
    for member in members:
        if member.file.kind == "symlink":
            folder = member.name.rpartition("/")[0]
            files[clean(member.name)] = files[clean(f"{folder}/{member.file.link}")]
    manifest = json.loads(files["manifest.json"])[0]
    document = json.loads(files[clean(manifest["Config"])])
    names: list[str] | None = manifest["Layers"]
    layers = [Layer(tar.decompress(files[clean(name)])) for name in names or ()]
    return {
        "document": {key: document[key] for key in document if key not in _DROPPED},
        "history": [_history_line(line) for line in document.get("history") or []],
        # Containerd's store says `null` of an image without any.
        "layers": None if names is None else [_layer(layer) for layer in layers],
        "files": _listing(layers),
    }


def _history_line(line: dict[str, Any]) -> dict[str, Any]:
    return {key: line[key] for key in line if key != "created"}


def _time(mtime: int) -> str:
    return str(mtime) if mtime in _FIXED_TIMES else "now"


def _layer(layer: Layer) -> dict[str, Any]:
    """A layer's paths; its digest too when nothing in it depends on the present time."""
    fixed = all(m.file.mtime in _FIXED_TIMES for m in layer.members)
    return {
        "digest": f"diff:{layer.diff_id[7:]}" if fixed else "depends on the time",
        "paths": [m.name + (f" => {m.hard_link}" if m.hard_link else "") for m in layer.members],
    }


def _listing(layers: list[Layer]) -> list[str]:
    tree = flatten(layers)
    return [_line(path, tree[path]) for path in sorted(tree, key=walk_key)]


def _line(path: str, file: File) -> str:
    detail = ""
    if file.kind == "file":
        detail = f" {len(file.data)} {hashlib.sha256(file.data).hexdigest()[:8]}"
    elif file.kind == "symlink":
        detail = f" -> {file.link}"
    time = _time(file.mtime) if file.kind != "symlink" else "-"
    return f"{file.kind} {file.mode:04o} {file.uid}:{file.gid} {time} {path}{detail}"
