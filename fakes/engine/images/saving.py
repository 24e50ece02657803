"""`docker save`: the archive of images, in the layout of the engine's version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from imagebuilders.oci.file_tree import File
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference
from imagebuilders.oci.tar_writer import write_tar

from ... import go_text
from ...images.config import RunConfig
from ...images.image import Image
from ...images.layers import Layer, digest_of
from ...images.reference import InvalidReferenceError
from .. import messages
from ..errors import ApiError
from ..versions import EngineVersion
from .config_forms import LEFT_OUT
from .content_store import has_content
from .layout_archive import layout_of
from .names import parse_as
from .store import ImageStore

Message = dict[str, Any]

_OCI = "application/vnd.oci.image"
_BLOBS = "blobs/sha256"


@dataclass(frozen=True)
class _Chosen:
    """An image that is saved, and the names it is saved by."""

    image: Image
    references: list[ImageReference] = field(default_factory=list)

    @property
    def created(self) -> int:
        """When it was, in seconds: the time of what is written of it."""
        return self.image.created // 1_000_000_000

    @property
    def tags(self) -> list[str]:
        """Its names that have a tag."""
        return [str(reference) for reference in self.references if reference.tag]


def save(images: ImageStore, names: list[str], platform: Platform | None = None) -> bytes:
    """The archive of the named images.

    Since 25.0 it is an OCI layout, with a manifest for older programs beside it.

    Args:
        images: of the engine.
        names: which of them.
        platform: the one for it alone, of an index.

    Raises:
        ApiError: when one is not there or has no layers.
    """
    chosen: dict[str, _Chosen] = {}
    for name in names:
        for image, references in _select(images, name):
            known = chosen.setdefault(image.id, _Chosen(image)).references
            known.extend(r for r in references if r not in known)
    if has_content(images.state):
        files = layout_of(
            [(_of(one, platform), one.references) for one in chosen.values()],
            platform=platform is not None,
        )
        for one in chosen.values():
            for _ in range(max(1, len(one.references))):
                images.note("save", one.image)
        return write_tar((name, files[name], "") for name in sorted(files))
    if not all(one.image.layers for one in chosen.values()):
        raise ApiError(500, "empty export - not implemented")
    version = images.state.version
    files = _layout(chosen, version) if version >= "25.0" else _folders(chosen, version)
    for one in chosen.values():
        images.note("save", one.image)
    return write_tar((name, files[name], "") for name in sorted(files))


def _of(one: _Chosen, platform: Platform | None) -> Image:
    """The image, or the one for a platform.

    Raises:
        ApiError: 404, there is none for it.
    """
    if platform is None:
        return one.image
    found = one.image.for_platform(platform)
    if found is None:
        name = str(one.references[0]) if one.references else one.image.id
        why = messages.NO_SUCH_PLATFORM.format(name, platform)
        raise ApiError(404, f"no suitable export target found: {why}")
    return found.alone()


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
        if has_content(images.state):
            raise
        known = "reference does not exist" if reference.tag else f"No such image: {name}"
        raise ApiError(error.status, known) from error
    if images.names_id(name, image.id) or not reference.tag:
        return [(image, [])]
    return [(image, [reference])]


def _file(data: bytes, moment: int = 0, mode: int = 0o644) -> File:
    return File("file", mode, mtime=moment, data=data)


def _json(value: object, end: str = "\n") -> bytes:
    return (go_text.dumps(value) + end).encode()


def _layer_documents(image: Image, version: EngineVersion) -> Iterator[tuple[Layer, str, bytes]]:
    """Each layer, and its id and document as engines before 1.10 had them."""
    parent = ""
    for index, layer in enumerate(image.layers):
        document: Message = {}
        if parent:
            document["parent"] = parent
        if index == len(image.layers) - 1:
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
        parent = digest_of(seed.encode())[7:]
        yield layer, parent, go_text.dumps({"id": parent, **document}).encode()


def _with_parent(entry: Message, one: _Chosen, chosen: dict[str, _Chosen]) -> Message:
    """An image's entry in the manifest, which names a parent that is saved, too."""
    return {**entry, "Parent": one.image.parent} if one.image.parent in chosen else entry


def _named(files: dict[str, File], chosen: dict[str, _Chosen], tops: dict[str, str]) -> None:
    """Add the file of names; each leads to the topmost layer of its image."""
    repositories: dict[str, dict[str, str]] = {}
    for name, one in chosen.items():
        for reference in one.references:
            tags = repositories.setdefault(reference.repository, {})
            tags[reference.tag or ""] = tops[name]
    if repositories:
        ordered = {
            name: {tag: tags[tag] for tag in sorted(tags)}
            for name, tags in sorted(repositories.items())
        }
        files["repositories"] = _file(_json(ordered))


# --- before 25.0 --------------------------------------------------------------


def _folders(chosen: dict[str, _Chosen], version: EngineVersion) -> dict[str, File]:
    """A folder for each layer; content that is there already is linked to."""
    files: dict[str, File] = {}
    manifest: list[Message] = []
    tops: dict[str, str] = {}
    places: dict[str, str] = {}
    for name, one in chosen.items():
        layers: list[str] = []
        for layer, folder, document in _layer_documents(one.image, version):
            files[folder] = File("dir", 0o755, mtime=one.created)
            files[f"{folder}/VERSION"] = _file(b"1.0", one.created)
            files[f"{folder}/json"] = _file(document, one.created)
            place = f"{folder}/layer.tar"
            first = places.setdefault(layer.diff_id, place)
            files[place] = (
                _file(layer.content, one.created)
                if first == place
                else File("symlink", 0o777, mtime=one.created, link=f"../{first}")
            )
            layers.append(place)
            tops[name] = folder
        config = f"{one.image.config_digest[7:]}.json"
        files[config] = _file(one.image.document, one.created)
        entry = {"Config": config, "RepoTags": one.tags or None, "Layers": layers}
        manifest.append(_with_parent(entry, one, chosen))
    files["manifest.json"] = _file(_json(manifest))
    _named(files, chosen, tops)
    return files


# --- since 25.0 ---------------------------------------------------------------


def _layout(chosen: dict[str, _Chosen], version: EngineVersion) -> dict[str, File]:
    """An OCI layout."""
    files: dict[str, File] = {}
    manifest: list[Message] = []
    index: list[Message] = []
    moment = 0
    of_layers = 0o666 if version >= "29.0" else 0o644

    def blob(data: bytes, media_type: str, created: int = 0, mode: int = 0o644) -> Message:
        digest = digest_of(data)
        files[f"{_BLOBS}/{digest[7:]}"] = _file(data, created, mode)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    for one in chosen.values():
        moment = max(moment, one.created)
        layers: list[Message] = []
        for layer, _, document in _layer_documents(one.image, version):
            blob(document, "", one.created)
            media_type = f"{_OCI}.layer.v1.tar"
            layers.append(blob(layer.content, media_type, one.created, of_layers))
        config = blob(one.image.document, f"{_OCI}.config.v1+json", one.created)
        media_type = f"{_OCI}.manifest.v1+json"
        head = {"schemaVersion": 2, "mediaType": media_type, "config": config}
        described = blob(_json({**head, "layers": layers}, ""), media_type)
        index.extend(
            {
                **described,
                "annotations": {
                    "io.containerd.image.name": f"{reference.full_repository}:{reference.tag}",
                    "org.opencontainers.image.ref.name": reference.tag,
                },
            }
            for reference in one.references
            if reference.tag
        )
        if not one.tags:
            index.append(described)
        entry = {
            "Config": f"{_BLOBS}/{config['digest'][7:]}",
            "RepoTags": one.tags or None,
            "Layers": [f"{_BLOBS}/{layer['digest'][7:]}" for layer in layers],
        }
        sources = {each["digest"]: _source(each) for each in layers}
        entry = _with_parent(entry, one, chosen)
        manifest.append({**entry, "LayerSources": {key: sources[key] for key in sorted(sources)}})
    files["blobs"] = File("dir", 0o755, mtime=moment)
    files[_BLOBS] = File("dir", 0o755, mtime=moment if version < "29.0" else 0)
    layout = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": index}
    files["index.json"] = _file(_json(layout, ""), moment if version < "28.0" else 0)
    files["manifest.json"] = _file(_json(manifest))
    files["oci-layout"] = _file(b'{"imageLayoutVersion": "1.0.0"}')
    tops = {name: one.image.layers[-1].diff_id[7:] for name, one in chosen.items()}
    _named(files, chosen, tops)
    return files


def _source(layer: Message) -> Message:
    return {key: layer[key] for key in ("mediaType", "size", "digest")}
