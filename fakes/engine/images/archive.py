"""`docker save` and `docker load`: the archive of images, and OCI layouts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.file_tree import File, clean
from imagebuilders.oci.reference import ImageReference
from imagebuilders.oci.tar_writer import write_tar

from ... import go_text
from ...images import tar
from ...images.config import RunConfig
from ...images.image import Image
from ...images.layers import Layer, digest_of
from ...images.reference import InvalidReferenceError
from .. import messages
from ..errors import ApiError
from ..progress import progress_bar
from ..versions import EngineVersion
from .config_forms import LEFT_OUT
from .names import parse_as
from .store import ImageStore
from .unpacking import registered, told

Message = dict[str, Any]


def save(images: ImageStore, names: list[str]) -> bytes:
    """The archive of the named images.

    Raises:
        ApiError: when one is not there or has no layers.
    """
    chosen: dict[str, tuple[Image, list[ImageReference]]] = {}
    for name in names:
        for image, references in _select(images, name):
            known = chosen.setdefault(image.id, (image, []))[1]
            known.extend(r for r in references if r not in known)
    files: dict[str, File] = {}
    manifest: list[Message] = []
    repositories: dict[str, dict[str, str]] = {}
    for image, references in chosen.values():
        if not image.layers:
            raise ApiError(500, "empty export - not implemented")
        created = image.created // 1_000_000_000
        layer_names = _add_layers(files, image, created, images.state.version)
        document = f"{image.config_digest[7:]}.json"
        files[document] = File("file", 0o644, mtime=created, data=image.document)
        tags = [str(reference) for reference in references if reference.tag]
        for reference in references:
            folder = layer_names[-1].partition("/")[0]
            repositories.setdefault(reference.repository, {})[reference.tag or ""] = folder
        manifest.append({"Config": document, "RepoTags": tags or None, "Layers": layer_names})
    files["manifest.json"] = File("file", 0o644, data=(go_text.dumps(manifest) + "\n").encode())
    if repositories:
        text = go_text.dumps({k: repositories[k] for k in sorted(repositories)}) + "\n"
        files["repositories"] = File("file", 0o644, data=text.encode())
    for image, _ in chosen.values():
        images.note("save", image)
    return write_tar((name, files[name], "") for name in sorted(files))


def _select(images: ImageStore, name: str) -> list[tuple[Image, list[ImageReference]]]:
    try:
        reference = parse_as(images.state.version, name)
    except InvalidReferenceError:
        return [(images.find(name), [])]
    if not reference.tag and not reference.digest:
        # A repository without a tag means all of its tags.
        every = [ImageReference.parse(key) for key in images.references() if "@" not in key]
        mine = [r for r in every if r.full_repository == reference.full_repository]
        if mine:
            return [(images.find(str(r)), [r]) for r in mine]
    try:
        image = images.find(name)
    except ApiError as error:
        known = "reference does not exist" if reference.tag else f"No such image: {name}"
        raise ApiError(error.status, known) from error
    if images.names_id(name, image.id) or not reference.tag:
        return [(image, [])]
    return [(image, [reference])]


def _add_layers(
    files: dict[str, File], image: Image, created: int, version: EngineVersion
) -> list[str]:
    """The folders of the old format, one per layer, named by a chain of digests."""
    names: list[str] = []
    parent = ""
    for index, layer in enumerate(image.layers):
        last = index == len(image.layers) - 1
        document: Message = {}
        if parent:
            document["parent"] = parent
        if last:
            for key in ("created", "container", "container_config", "docker_version", "author"):
                if image.parsed.get(key):
                    document[key] = image.parsed[key]
            document["config"] = image.parsed.get("config")
            document["architecture"] = image.parsed.get("architecture")
        else:
            document["created"] = "1970-01-01T00:00:00Z"
            document["container_config"] = RunConfig().to_json(LEFT_OUT.of(version))
        document["os"] = image.parsed.get("os") or "linux"
        seed = go_text.dumps({**document, "layer_id": layer.diff_id})
        folder = digest_of(seed.encode())[7:]
        text = go_text.dumps({"id": folder, **document})
        files[folder] = File("dir", 0o755, mtime=created)
        files[f"{folder}/VERSION"] = File("file", 0o644, mtime=created, data=b"1.0")
        files[f"{folder}/json"] = File("file", 0o644, mtime=created, data=text.encode())
        files[f"{folder}/layer.tar"] = File("file", 0o644, mtime=created, data=layer.content)
        names.append(f"{folder}/layer.tar")
        parent = folder
    return names


def load(images: ImageStore, body: bytes) -> Iterator[Message]:
    """Take the images of an archive in; the messages of the load.

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
    if "manifest.json" in files:
        yield from _load_manifest(images, files)
    elif "index.json" in files and "oci-layout" in files:
        yield from _load_layout(images, files)
    else:
        raise ApiError(500, messages.NO_MANIFEST(images.state.version))


def _read(files: dict[str, File], path: str) -> bytes:
    file = files.get(clean(path))
    for _ in range(8):
        if file is None or file.kind != "symlink":
            break
        folder = path.rpartition("/")[0]
        path = clean(f"{folder}/{file.link}")
        file = files.get(path)
    if file is None:
        raise ApiError(
            500, f"open /var/lib/docker/tmp/docker-import/{path}: no such file or directory"
        )
    return file.data


def _load_manifest(images: ImageStore, files: dict[str, File]) -> Iterator[Message]:
    entries = json.loads(_read(files, "manifest.json"))
    for entry in entries:
        document = _read(files, entry["Config"])
        image = _add(images, document, [_read(files, name) for name in entry["Layers"] or []])
        yield from _progress(image)
        yield from _name(images, image, entry.get("RepoTags") or [])


def _load_layout(images: ImageStore, files: dict[str, File]) -> Iterator[Message]:
    def blob(digest: str) -> bytes:
        algorithm, _, value = digest.partition(":")
        return _read(files, f"blobs/{algorithm}/{value}")

    for descriptor in json.loads(_read(files, "index.json"))["manifests"]:
        manifest = json.loads(blob(descriptor["digest"]))
        if "manifests" in manifest:
            manifest = json.loads(blob(manifest["manifests"][0]["digest"]))
        layers = [blob(layer["digest"]) for layer in manifest["layers"]]
        image = _add(images, blob(manifest["config"]["digest"]), layers)
        annotations = descriptor.get("annotations") or {}
        name = annotations.get("io.containerd.image.name")
        yield from _progress(image)
        yield from _name(images, image, [name] if name else [])


def _add(images: ImageStore, document: bytes, contents: list[bytes]) -> Image:
    parsed = json.loads(document)
    wanted = (parsed.get("rootfs") or {}).get("diff_ids") or []
    if len(wanted) != len(contents):
        raise ApiError(
            500,
            f"invalid manifest, layers length mismatch: expected {len(contents)}, "
            f"got {len(wanted)}",
        )
    layers: list[Layer] = []
    for content, expected in zip(contents, wanted, strict=True):
        try:
            layer = registered(content, images.state.version, images.state.clock())
        except (tar.TarError, LayerFormatError) as error:
            raise ApiError(500, told(error, images.state.version)) from error
        if layer.diff_id != expected:
            raise ApiError(
                500,
                f"invalid diffID for layer {len(layers)}: "
                f"expected {go_text.quote(expected)}, got {go_text.quote(layer.diff_id)}",
            )
        layers.append(layer)
    return images.add(Image(document, tuple(layers)))


def _progress(image: Image) -> Iterator[Message]:
    for layer in image.layers:
        size = len(layer.content)
        yield {
            "status": "Loading layer",
            "progressDetail": {"current": size, "total": size},
            "progress": progress_bar(size, size),
            "id": layer.diff_id[7:19],
        }


def _name(images: ImageStore, image: Image, tags: list[str]) -> Iterator[Message]:
    for name in tags:
        reference = parse_as(images.state.version, name).tagged()
        old = images.id_of(reference)
        if old is not None and old != image.id:
            yield {
                "stream": f"The image {reference} already exists, renaming the old one "
                f"with ID {old} to empty string\n"
            }
        images.tag(reference, image)
        yield {"stream": f"Loaded image: {reference}\n"}
    if not tags:
        yield {"stream": f"Loaded image ID: {image.id}\n"}
    images.note("load", image)
