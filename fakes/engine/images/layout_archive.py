"""`docker save` and `docker load` of containerd's store: layouts of OCI, and what Docker adds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from imagebuilders.oci.compression import Compression, detect
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    OCI_INDEX,
)
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from ... import go_text
from ...images.image import MACHINE, Image
from ...images.layers import Layer, digest_of
from ...images.manifests import Content
from ..errors import ApiError, MissingFileError
from .names import parse_as
from .snapshots import ExtractError, extract, kept
from .store import ImageStore

Message = dict[str, Any]
Read = Callable[[str], bytes]

_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_SOURCE = "containerd.io/distribution.source"


def layout_of(
    chosen: list[tuple[Image, list[ImageReference]]], *, platform: bool = False
) -> dict[str, File]:
    """Return the files of an archive of images.

    Args:
        chosen: the images, each with the names that were asked for.
        platform: whether it is told of each what it is for.
    """
    files: dict[str, File] = {}
    entries: list[Message] = []
    lines: list[Message] = []
    for image, names in chosen:
        for digest, data in _blobs(image).items():
            files[f"blobs/sha256/{digest[7:]}"] = _file(data, 0o444)
        told = {"platform": image.platform.to_json()} if platform else {}
        alone = _described(image, _sourced(image))
        entries += [{**_entry(image, name), **told} for name in names] or [{**alone, **told}]
        lines.append(
            {
                "Config": _place(image.config_digest),
                "RepoTags": [str(name) for name in names if name.tag] or None,
                "Layers": [_place(each["digest"]) for each in image.own_manifest.layers] or None,
            }
        )
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    files["index.json"] = _file(go_text.dumps(index).encode())
    files["manifest.json"] = _file(go_text.dumps(lines).encode())
    files["oci-layout"] = _file(b'{"imageLayoutVersion":"1.0.0"}', 0o444)
    for folder in ("blobs", "blobs/sha256"):
        files[folder] = File("dir", 0o755)
    return files


def _file(data: bytes, mode: int = 0o644) -> File:
    return File("file", mode, data=data)


def _place(digest: str) -> str:
    return f"blobs/sha256/{digest[7:]}"


def _entry(image: Image, name: ImageReference) -> Message:
    return _described(image, {**_sourced(image), **_notes(name)})


def _described(image: Image, notes: Mapping[str, str]) -> Message:
    sorted_notes = {key: notes[key] for key in sorted(notes)}
    return replace(image.target, notes=sorted_notes).described()


def _sourced(image: Image) -> dict[str, str]:
    """An image's annotations, with those that tell which repositories have it."""
    sources = {f"{_SOURCE}.{host}": ",".join(paths) for host, paths in image.sources.items()}
    return {**image.target.notes, **sources}


def _notes(name: ImageReference) -> dict[str, str]:
    """The annotations of a descriptor that name its image."""
    full = f"{name.full_repository}:{name.tag}" if name.tag else str(name)
    return {_NAME: full, **({_TAG: name.tag} if name.tag else {})}


def _blobs(image: Image) -> dict[str, bytes]:
    """All that an image's name leads to, by digest."""
    manifest = image.own_manifest
    layers = zip(manifest.layers, image.layers, strict=False)
    contents = [manifest, *image.beside, *([image.index] if image.index else [])]
    return {
        **{content.digest: content.data for content in contents},
        image.config_digest: image.document,
        **{each["digest"]: layer.compressed for each, layer in layers},
        **image.blobs,
    }


def load_layout(
    images: ImageStore, files: Mapping[str, File], read: Read, platform: Platform | None = None
) -> Iterator[Message]:
    """Take the images of an archive in; the messages of the load.

    Args:
        images: where they go.
        files: of the archive, by their paths.
        read: gives the content of one, links followed.
        platform: what they have to be for.

    Raises:
        ApiError: it has none.
    """
    loader = _Loader(images, read, platform)
    if "index.json" in files and "oci-layout" in files:
        for descriptor in json.loads(read("index.json"))["manifests"]:
            notes = descriptor.get("annotations") or {}
            yield from loader.named(loader.of(descriptor), [notes.get(_NAME)])
    elif "manifest.json" in files:
        for entry in json.loads(read("manifest.json")):
            yield from loader.named(loader.of_docker(entry), entry.get("RepoTags") or [None])
    else:
        raise ApiError(500, "unrecognized image format")


class _Loader:
    def __init__(self, images: ImageStore, read: Read, platform: Platform | None) -> None:
        self._images = images
        self._read = read
        self._platform = platform

    def named(self, image: Image, names: list[str | None]) -> Iterator[Message]:
        """Keep an image under its names."""
        images = self._images
        for name in names:
            trouble = ""
            with images.lock:
                kept = images.put(image)
                shown = f"ID: {kept.id}"
                if name is not None:
                    reference = self._reference(name)
                    images.tag(reference, kept)
                    shown = f": {reference}"
                    if image.trouble:
                        full = go_text.quote(f"{reference.full_repository}:{reference.tag}")
                        trouble = f"{reference}: apply layer error for {full}: {image.trouble}"
            if self._platform is not None and kept.for_platform(self._platform) is None:
                raise ApiError(
                    404,
                    f"image {name or kept.id} was loaded, but doesn't provide the requested "
                    f"platform ({self._platform})",
                )
            images.note("load", kept)
            yield {"stream": f"Loaded image{' ' * (name is None)}{shown}\n"}
            if trouble:
                yield {"stream": f"Error unpacking image {trouble}\n"}

    def _reference(self, name: str) -> ImageReference:
        return parse_as(self._images.state.version, name).tagged()

    def _content(self, descriptor: Message) -> Content:
        return Content(descriptor["mediaType"], self._read(_place(descriptor["digest"])))

    def of(self, descriptor: Message) -> Image:
        """The image that a descriptor leads to."""
        target = replace(self._content(descriptor), notes=descriptor.get("annotations") or {})
        if target.media_type not in INDEX_TYPES:
            return self._image(target)
        here: list[tuple[Content, Platform | None]] = []
        for entry in target.parsed.get("manifests") or []:
            try:
                manifest = self._content(entry)
            except ApiError:
                continue  # for a platform that is not in the archive
            told = entry.get("platform") or {}
            system, machine = told.get("os") or "linux", told.get("architecture") or "amd64"
            known = system != "unknown"
            here.append((manifest, Platform(system, machine) if known else None))
        images = [each for each in here if each[1] is not None]
        if not images:
            raise ApiError(500, "unrecognized image format")
        mine = (each for each in images if each[1] is not None and MACHINE.runs(each[1]))
        chosen, platform = next(mine, images[0])
        others = [manifest for manifest, _ in here if manifest is not chosen]
        image = self._image(chosen)
        return Image(
            *(image.document, image.layers),
            manifest=image.manifest,
            index=target,
            beside=tuple(others),
            blobs={
                each["digest"]: self._read(_place(each["digest"]))
                for manifest in others
                for each in manifest.leads_to
            },
            is_unpacked=not image.trouble and platform is not None and MACHINE.runs(platform),
            trouble=image.trouble,
        )

    def _image(self, manifest: Content) -> Image:
        config = self._read(_place(manifest.parsed["config"]["digest"]))
        layers: list[Layer] = []
        missing = ""
        for each in manifest.layers:
            layer = self._found(each["digest"])
            if layer is None:
                missing = f"content digest {each['digest']}: not found"
                break
            layers.append(layer)
        return self._unpacked(config, layers, manifest, missing)

    def _unpacked(
        self, config: bytes, layers: list[Layer], manifest: Content, missing: str = ""
    ) -> Image:
        """Return an image, unpacked as far as that can be done.

        Args:
            config: its configuration.
            layers: lowest first.
            manifest: its own.
            missing: what is said of the layer above these if it is not here.
        """
        trouble = ""
        diff_ids: list[str] = (json.loads(config).get("rootfs") or {}).get("diff_ids") or []
        try:
            extract(self._images, layers, diff_ids)
        except ExtractError as error:
            trouble = str(error)
        if missing and not trouble:
            name = next(iter(diff_ids[len(layers) :]), "")
            trouble = (
                f"failed to extract layer {name}: NotFound: failed to get reader from content "
                f"store: {missing}"
            )
        return Image(
            *(config, tuple(layers)),
            manifest=manifest,
            is_unpacked=not trouble,
            trouble=trouble,
        )

    def _found(self, digest: str) -> Layer | None:
        """A layer of the archive, or one that is here already."""
        try:
            return kept(self._read(_place(digest)))
        except MissingFileError:
            return self._images.layer_of_blob(digest)

    def of_docker(self, entry: Message) -> Image:
        """The image of an entry of Docker's older archives, whose layers need not be compressed."""
        config = self._read(entry["Config"])
        layers = [kept(self._read(path)) for path in entry["Layers"] or []]
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {
                "mediaType": DOCKER_CONFIG,
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": _layer_type(layer.compressed),
                    "digest": layer.blob_digest,
                    "size": len(layer.compressed),
                }
                for layer in layers
            ],
        }
        names = [self._reference(name) for name in (entry.get("RepoTags") or [])[:1]]
        notes = {key: note for name in names for key, note in _notes(name).items()}
        manifest = Content(DOCKER_MANIFEST, go_text.dumps(document).encode(), notes=notes)
        return self._unpacked(config, layers, manifest)


def _layer_type(blob: bytes) -> str:
    """The media type that containerd gives to a layer of an archive of Docker's."""
    is_compressed = detect(blob) in (Compression.GZIP, Compression.ZSTD)
    return DOCKER_LAYER_GZIP if is_compressed else DOCKER_LAYER
