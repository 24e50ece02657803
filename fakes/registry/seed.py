"""Putting images into a registry without pushing them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from imagebuilders.oci.digest import DEFAULT_ALGORITHM
from imagebuilders.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEX_TYPES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
)

from ..images.seeds import described_layer, exposed_ports
from . import names
from .names import Reference
from .storage import Manifest, Storage

_CONFIG_TYPES = {OCI_MANIFEST: OCI_CONFIG, DOCKER_MANIFEST: DOCKER_CONFIG}
_LAYER_TYPES = {OCI_MANIFEST: OCI_LAYER_GZIP, DOCKER_MANIFEST: DOCKER_LAYER_GZIP}


@dataclass(frozen=True)
class SeedImage:
    """An image in a few lines. The same values give the same digest, always.

    Attributes:
        files: content by path in the container; one layer. Text becomes UTF-8, a path that ends
            with `/` is a folder, and a content that begins with `#!` is executable.
        layers: further layers over it, each content by path.
        env: environment variables.
        cmd: the command's words.
        entrypoint: the entrypoint's words.
        labels: labels.
        user: the user it runs as.
        working_dir: where it runs.
        exposed_ports: as in `80/tcp`.
        on_build: instructions for images that are built on it.
        architecture: as in `amd64`.
        os: as in `linux`.
        annotations: the manifest's annotations.
        media_type: the manifest's type: OCI's, or Docker's
            (`application/vnd.docker.distribution.manifest.v2+json`).
        command: another word for `cmd`, when the image is made.
        working_directory: another word for `working_dir`, when the image is made.

    Raises:
        ValueError: both words are given.
    """

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    layers: Sequence[Mapping[str, str | bytes]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cmd: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_dir: str = ""
    exposed_ports: Sequence[str] = ()
    on_build: Sequence[str] = ()
    architecture: str = "amd64"
    os: str = "linux"
    annotations: Mapping[str, str] = field(default_factory=dict)
    media_type: str = OCI_MANIFEST
    command: Sequence[str] = field(default=(), repr=False, compare=False)
    working_directory: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, door in (("cmd", "command"), ("working_dir", "working_directory")):
            given = getattr(self, door)
            if given and getattr(self, name):
                raise ValueError(f"{name} and {door} are two words for the same: give {name}")
            if given:
                object.__setattr__(self, name, given)
                object.__setattr__(self, door, given[:0])

    def config(self, diff_ids: Sequence[str]) -> dict[str, object]:
        """The configuration document."""
        settings: dict[str, object] = {
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "Cmd": list(self.cmd),
            "Entrypoint": list(self.entrypoint),
            "Labels": dict(self.labels),
            "User": self.user,
            "WorkingDir": self.working_dir,
            "ExposedPorts": {port: {} for port in exposed_ports(self.exposed_ports)},
            "OnBuild": list(self.on_build),
        }
        return {
            "architecture": self.architecture,
            "os": self.os,
            "config": {key: value for key, value in settings.items() if value},
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        }


def seed(
    storage: Storage,
    reference: Reference,
    source: str | os.PathLike[str] | SeedImage | None,
    content: Mapping[str, Any],
) -> Manifest:
    """Put an image in; see `FakeRegistry.seed`."""
    if (source is None) != bool(content):
        raise ValueError("seed() takes either a source or files=… and what else an image has")
    if source is None:
        source = SeedImage(**content)
    planter = _Planter(storage, reference)
    if isinstance(source, SeedImage):
        return planter.image(source)
    path = Path(source)
    if path.is_dir():
        return planter.layout(_Folder(path), str(path))
    try:
        with tarfile.open(path) as archive:
            return planter.archive(_Archive(archive), str(path))
    except (OSError, tarfile.TarError) as error:
        raise ValueError(f"cannot seed from {path}: {error}") from error


class _Source(Protocol):
    """Where files are read from."""

    def read(self, name: str) -> bytes | None:
        """The content of a file; `None` when there is none."""
        ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        path = self._root / name
        return path.read_bytes() if path.is_file() else None


class _Archive:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members = {member.name.removeprefix("./"): member for member in archive.getmembers()}

    def read(self, name: str) -> bytes | None:
        member = self._members.get(name)
        stream = self._archive.extractfile(member) if member else None
        if stream is None:
            return None
        with stream:
            return stream.read()


class _Planter:
    """Puts one image under one name."""

    def __init__(self, storage: Storage, reference: Reference) -> None:
        self._storage = storage
        self._reference = reference
        self._name = reference.repository
        self._tags = [] if reference.is_digest else [reference.target]

    def image(self, image: SeedImage) -> Manifest:
        if image.media_type not in _CONFIG_TYPES:
            raise ValueError(f"no manifest type of an image: {image.media_type!r}")
        trees = ([image.files] if image.files or not image.layers else []) + list(image.layers)
        tars = [described_layer(tree).content for tree in trees]
        return self._from_tars(tars, image.config, image)

    def archive(self, source: _Source, where: str) -> Manifest:
        """A tar: an OCI layout if it is one, else what `docker save` writes."""
        if source.read("index.json") is not None:
            return self.layout(source, where)
        listing = source.read("manifest.json")
        if listing is None:
            raise ValueError(f"{where} holds neither an OCI layout nor a `docker save` image")
        entry = json.loads(listing)[0]
        config = _needed(source, entry["Config"], where)
        tars = [_needed(source, name, where) for name in entry["Layers"]]
        return self._from_tars(tars, lambda _: json.loads(config), SeedImage(), config)

    def layout(self, source: _Source, where: str) -> Manifest:
        index = json.loads(_needed(source, "index.json", where))
        entries = index.get("manifests") or []
        if not entries:
            raise ValueError(f"the OCI layout {where} is empty")
        wanted = [
            entry
            for entry in entries
            if (entry.get("annotations") or {}).get("org.opencontainers.image.ref.name")
            in (self._reference.target, str(self._reference))
        ]
        if len(entries) > 1 and not wanted:
            content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
            for entry in entries:
                self._copy(source, entry, where)
            return self._put(content.encode(), OCI_INDEX, self._tags)
        return self._copy(source, (wanted or entries)[0], where, self._tags)

    def _copy(
        self, source: _Source, entry: Mapping[str, object], where: str, tags: Sequence[str] = ()
    ) -> Manifest:
        """A manifest of a layout, after everything that it names."""
        digest = str(entry["digest"])
        content = _needed(source, "blobs/" + digest.replace(":", "/"), where)
        document = json.loads(content)
        media_type = str(entry.get("mediaType") or document.get("mediaType"))
        if media_type in INDEX_TYPES:
            for child in document.get("manifests") or []:
                if source.read("blobs/" + child["digest"].replace(":", "/")) is not None:
                    self._copy(source, child, where)
        else:
            for blob in [document["config"], *(document.get("layers") or [])]:
                kept = source.read("blobs/" + blob["digest"].replace(":", "/"))
                if kept is not None:
                    self._storage.put_blob(self._name, blob["digest"], kept)
        return self._put(content, media_type, tags, digest.partition(":")[0])

    def _from_tars(
        self,
        tars: Sequence[bytes],
        make_config: Callable[[Sequence[str]], dict[str, object]],
        image: SeedImage,
        exact_config: bytes | None = None,
    ) -> Manifest:
        layers = [gzip.compress(tar, 1, mtime=0) for tar in tars]
        diff_ids = [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]
        config = exact_config or json.dumps(make_config(diff_ids), separators=(",", ":")).encode()
        document: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": image.media_type,
            "config": self._blob(config, _CONFIG_TYPES[image.media_type]),
            "layers": [self._blob(layer, _LAYER_TYPES[image.media_type]) for layer in layers],
        }
        if image.annotations:
            document["annotations"] = dict(image.annotations)
        content = json.dumps(document, separators=(",", ":")).encode()
        return self._put(content, image.media_type, self._tags)

    def _blob(self, content: bytes, media_type: str) -> dict[str, object]:
        digest = names.digest_of(content)
        self._storage.put_blob(self._name, digest, content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _put(
        self,
        content: bytes,
        media_type: str,
        tags: Sequence[str],
        algorithm: str = DEFAULT_ALGORITHM,
    ) -> Manifest:
        digest = names.digest_of(content, algorithm)
        manifest = Manifest(self._name, digest, media_type, content)
        self._storage.put_manifest(manifest, list(tags))
        return manifest


def _needed(source: _Source, name: str, where: str) -> bytes:
    content = source.read(name)
    if content is None:
        raise ValueError(f"{where} has no {name}")
    return content
