"""`docker load`: archives of images, and OCI layouts."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.file_tree import File, clean
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference
from imagebuilders.oci.rooted_files import is_local

from ... import go_text
from ...images import tar
from ...images.image import Image
from ...images.layers import Layer, chain_of
from ...images.reference import InvalidReferenceError
from .. import messages
from ..errors import ApiError, MissingFileError
from ..go_json import STRING, Kind, ListOf, MismatchError, Struct, read
from ..progress import progress_bar
from ..versions import ByVersion, EngineVersion
from .content_store import has_content
from .layout_archive import load_layout
from .names import parse_as
from .store import ImageStore
from .unpacking import registered, told

Message = dict[str, Any]

_PLACE = "/var/lib/docker/tmp/docker-import"
_MANIFEST = ListOf(
    Struct(
        "tarexport.manifestItem",
        {"Config": STRING, "RepoTags": ListOf(STRING), "Layers": ListOf(STRING), "Parent": STRING},
    )
)
_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("architecture", "os", "variant", "author"), STRING),
    "config": Struct("container.Config", {}),
    "rootfs": Struct("image.RootFS", {"type": STRING, "diff_ids": ListOf(STRING)}),
    "history": ListOf(Struct("image.History", {})),
}
_DOCUMENT = Struct("image.Image", _FIELDS)
_DOCUMENTS = ByVersion(
    _DOCUMENT,
    {"23.0": replace(_DOCUMENT, embedded="V1Image", own=("rootfs", "history")), "28.0": _DOCUMENT},
)


def load(images: ImageStore, body: bytes, platform: Platform | None = None) -> Iterator[Message]:
    """Take the images of an archive in; the messages of the load.

    Args:
        images: where they go.
        body: the archive.
        platform: what those of containerd's store have to be for.

    Raises:
        ApiError: when the archive is none.
    """
    try:
        members = tar.read(tar.decompress(body))
    except tar.TarError as error:
        raise ApiError(500, messages.TAR_FAILURE(images.state.version, str(error))) from error
    files = {clean(m.name): m.file for m in members if m.file.kind in ("file", "symlink")}
    for member in members:
        if member.hard_link:
            files[clean(member.name)] = files[clean(member.hard_link)]
    if has_content(images.state):
        yield from load_layout(images, files, partial(_read, files), platform)
    elif "manifest.json" in files:
        yield from _load_manifest(images, files)
    elif "index.json" in files and "oci-layout" in files:
        yield from _load_layout(images, files)
    else:
        raise ApiError(500, messages.NO_MANIFEST(images.state.version))


def _read(files: dict[str, File], path: str) -> bytes:
    if not is_local(path):
        outside = posixpath.normpath(f"{_PLACE}/{path}")
        raise ApiError(500, f"evalSymlinksInScope: {outside} is not in {_PLACE}")
    file = files.get(clean(path))
    for _ in range(8):
        if file is None or file.kind != "symlink":
            break
        folder = path.rpartition("/")[0]
        path = clean(f"{folder}/{file.link}")
        file = files.get(path)
    if file is None:
        raise MissingFileError(f"{_PLACE}/{path}")
    return file.data


def _load_manifest(images: ImageStore, files: dict[str, File]) -> Iterator[Message]:
    untagged: list[str] = []
    tagged = False
    for entry in _entries(files, images.state.version):
        document = _read(files, entry["Config"])
        readers = [partial(_read, files, name) for name in entry["Layers"] or []]
        image, new = _add(images, document, readers)
        yield from _progress(new)
        tags = entry.get("RepoTags") or []
        untagged.append(f"Loaded image ID: {image.id}\n")
        tagged = bool(tags)
        yield from _name(images, image, tags)
    if not tagged:  # the last one, that is
        yield {"stream": "".join(untagged)} if untagged else {}


def _entries(files: dict[str, File], version: EngineVersion) -> list[dict[str, Any]]:
    """What `manifest.json` tells of images."""
    return list(_fitting(json.loads(_read(files, "manifest.json")), _MANIFEST, version) or [])


def _fitting(value: Any, kind: Kind, version: EngineVersion) -> Any:
    """A value of JSON as an engine reads it into a type; its words where it does not fit."""
    try:
        return read(value, kind, in_full=version >= "28.0")
    except MismatchError as error:
        raise ApiError(500, str(error)) from error


def _load_layout(images: ImageStore, files: dict[str, File]) -> Iterator[Message]:
    def blob(digest: str) -> bytes:
        algorithm, _, value = digest.partition(":")
        return _read(files, f"blobs/{algorithm}/{value}")

    for descriptor in json.loads(_read(files, "index.json"))["manifests"]:
        manifest = json.loads(blob(descriptor["digest"]))
        if "manifests" in manifest:
            manifest = json.loads(blob(manifest["manifests"][0]["digest"]))
        layers = [partial(blob, layer["digest"]) for layer in manifest["layers"]]
        image, new = _add(images, blob(manifest["config"]["digest"]), layers)
        annotations = descriptor.get("annotations") or {}
        name = annotations.get("io.containerd.image.name")
        yield from _progress(new)
        yield from _name(images, image, [name] if name else [])
        if not name:
            yield {"stream": f"Loaded image ID: {image.id}\n"}


def _add(
    images: ImageStore, document: bytes, readers: Sequence[Callable[[], bytes]]
) -> tuple[Image, list[Layer]]:
    """Take one image in; it, and those of its layers that were not here.

    A layer that is here on top of the same ones is not read, so it need not be in the archive.
    """
    version = images.state.version
    parsed = _fitting(json.loads(document), _DOCUMENTS.of(version), version) or {}
    if parsed.get("os") == "windows":
        raise ApiError(500, "cannot load windows image on linux")
    wanted = (parsed.get("rootfs") or {}).get("diff_ids") or []
    if len(wanted) != len(readers):
        raise ApiError(
            500,
            f"invalid manifest, layers length mismatch: expected {len(readers)}, got {len(wanted)}",
        )
    layers: list[Layer] = []
    new: list[Layer] = []
    for reader, expected in zip(readers, wanted, strict=True):
        layer = images.topmost(chain_of([*(one.diff_id for one in layers), expected]))
        if layer is None:
            layer = _registered(images, reader(), expected, len(layers))
            new.append(layer)
        layers.append(layer)
    return images.add(Image(document, tuple(layers))), new


def _registered(images: ImageStore, content: bytes, expected: str, number: int) -> Layer:
    try:
        layer = registered(content, images.state.version, images.state.clock())
    except (tar.TarError, LayerFormatError) as error:
        raise ApiError(500, told(error, images.state.version)) from error
    if layer.diff_id != expected:
        raise ApiError(
            500,
            f"invalid diffID for layer {number}: "
            f"expected {go_text.quote(expected)}, got {go_text.quote(layer.diff_id)}",
        )
    return layer


def _progress(layers: list[Layer]) -> Iterator[Message]:
    for layer in layers:
        size = len(layer.content)
        yield {
            "status": "Loading layer",
            "progressDetail": {"current": size, "total": size},
            "progress": progress_bar(size, size),
            "id": layer.diff_id[7:19],
        }


def _name(images: ImageStore, image: Image, tags: list[str]) -> Iterator[Message]:
    for name in tags:
        reference = _tag(name, images.state.version)
        old = images.id_of(reference)
        if old is not None and old != image.id:
            yield {
                "stream": f"The image {reference} already exists, renaming the old one "
                f"with ID {old} to empty string\n"
            }
        images.tag(reference, image)
        yield {"stream": f"Loaded image: {reference}\n"}
    images.note("load", image)


def _tag(name: str, version: EngineVersion) -> ImageReference:
    try:
        reference = parse_as(version, name)
    except InvalidReferenceError as error:
        raise ApiError(500, str(error)) from error
    if not reference.tag:
        raise ApiError(500, f"invalid tag {go_text.quote(name)}")
    return reference
