"""An image as a person sees it: its configuration and its files, all layers together."""

from __future__ import annotations

import difflib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from imagebuilders.exceptions import ConfigurationError, LayerFormatError
from imagebuilders.oci.file_tree import Tree, UnresolvedPathError, clean, resolve
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.members import read_layer

from .errors import NotInRegistryError
from .storage import Manifest


class Contents(Protocol):
    """What a registry holds."""

    def blob(self, digest: str) -> bytes:
        """Return a blob."""
        ...

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest by its repository and tag or digest."""
        ...


_KINDS = {
    "file": "file",
    "dir": "directory",
    "symlink": "symbolic link",
    "char": "character device",
    "block": "block device",
    "fifo": "fifo",
}


@dataclass(frozen=True)
class ImageFile:
    """One entry of an image's file system.

    Attributes:
        path: absolute, as the container sees it.
        kind: `file`, `directory`, `symbolic link`, `hard link`, `fifo`, `character device`
            or `block device`.
        size: bytes; 0 unless it is a file.
        mode: the permission bits.
        uid: the owner's number.
        gid: the group's number.
        target: where a link points to; empty for all else.
        layer: the digest of the layer it comes from.
    """

    path: str
    kind: str
    size: int
    mode: int
    uid: int
    gid: int
    target: str
    layer: str


@dataclass(frozen=True)
class Image:
    """An image in the registry.

    Attributes:
        manifest: its manifest.
        config: its configuration document.
        files: what its file system holds, sorted by path.
    """

    manifest: Manifest
    config: Mapping[str, object]
    files: tuple[ImageFile, ...]
    _tree: Tree = field(repr=False)

    @property
    def digest(self) -> str:
        """The manifest's digest: what a push reports."""
        return self.manifest.digest

    @property
    def layers(self) -> list[str]:
        """The digests of the layers, the lowest first."""
        return [str(entry["digest"]) for entry in self.manifest.descriptors("layers")]

    @property
    def paths(self) -> list[str]:
        """The paths of all files; directories are left out."""
        return [entry.path for entry in self.files if entry.kind != "directory"]

    @property
    def settings(self) -> Mapping[str, object]:
        """What the container is run with: the configuration's `config` object."""
        value = self.config.get("config")
        return value if isinstance(value, dict) else {}

    @property
    def env(self) -> dict[str, str]:
        """The environment variables."""
        pairs = (str(pair).partition("=") for pair in _list(self.settings.get("Env")))
        return {name: value for name, _, value in pairs}

    @property
    def labels(self) -> dict[str, str]:
        """The labels."""
        value = self.settings.get("Labels")
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}

    @property
    def entrypoint(self) -> list[str]:
        """The entrypoint's words."""
        return [str(word) for word in _list(self.settings.get("Entrypoint"))]

    @property
    def command(self) -> list[str]:
        """The command's words."""
        return [str(word) for word in _list(self.settings.get("Cmd"))]

    @property
    def platform(self) -> str:
        """As in `linux/amd64`."""
        return f"{self.config.get('os', '')}/{self.config.get('architecture', '')}"

    def file(self, path: str) -> ImageFile:
        """The entry at a path; links are not followed.

        Raises:
            NotInRegistryError: there is none.
        """
        wanted = _absolute(path)
        for entry in self.files:
            if entry.path == wanted:
                return entry
        near = difflib.get_close_matches(wanted, [entry.path for entry in self.files])
        hint = f"; there is {', '.join(near)}" if near else ""
        raise NotInRegistryError(f"no {wanted} in the image {self.manifest.digest}{hint}")

    def read(self, path: str) -> bytes:
        """The content of a file; links are followed.

        Raises:
            NotInRegistryError: there is no file at that path.
        """
        try:
            file = self._tree.get(resolve(self._tree, path))
        except UnresolvedPathError:
            file = None
        if file is None or file.kind != "file":
            raise NotInRegistryError(f"{_absolute(path)} is no file but a {self.file(path).kind}")
        return file.data


def read_image(registry: Contents, manifest: Manifest, platform: str | None = None) -> Image:
    """Read an image's configuration and put its layers one over the other."""
    manifest = _choose(registry, manifest, platform)
    configs = manifest.descriptors("config")
    try:
        config = json.loads(registry.blob(str(configs[0]["digest"])))
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"{manifest.digest} is no image: it has no configuration") from error
    if not isinstance(config, dict):
        raise ValueError(f"{manifest.digest} is no image: its configuration is no object")
    found = _Files()
    for layer in manifest.descriptors("layers"):
        digest = str(layer["digest"])
        found.add(digest, registry.blob(digest))
    return Image(manifest, config, found.listed(), found.tree)


class _Files:
    """What layers make, and which layer each file comes from."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self._layers: dict[str, str] = {}
        self._links: dict[str, str] = {}

    def add(self, digest: str, archive: bytes) -> None:
        """Lay a layer over what there is.

        Raises:
            ValueError: it is no layer, or no way to unpack it is at hand.
        """
        try:
            layer = read_layer([archive])
            after = apply_layer(self.tree, layer)
        except (LayerFormatError, ConfigurationError) as error:
            raise ValueError(f"layer {digest} is no tar archive: {error}") from error
        links = {clean(member.name): member.hard_link for member in layer if member.hard_link}
        for path, file in after.items():
            if self.tree.get(path) is not file:
                self._layers[path] = digest
                self._links[path] = _absolute(links[path]) if path in links else ""
        self.tree = after

    def listed(self) -> tuple[ImageFile, ...]:
        """The files, sorted by path."""
        return tuple(self._file(path) for path in sorted(self.tree, key=lambda path: f"/{path}"))

    def _file(self, path: str) -> ImageFile:
        file, link = self.tree[path], self._links[path]
        return ImageFile(
            path=f"/{path}",
            kind="hard link" if link else _KINDS[file.kind],
            size=0 if link else len(file.data),
            mode=file.mode,
            uid=file.uid,
            gid=file.gid,
            target=link or file.link,
            layer=self._layers[path],
        )


def _choose(registry: Contents, manifest: Manifest, platform: str | None) -> Manifest:
    """The image itself, or the right one of an index."""
    while manifest.is_index:
        entries = [
            entry
            for entry in manifest.descriptors("manifests")
            if platform is None or _platform(entry) == platform
        ]
        if not entries:
            raise NotInRegistryError(
                f"{manifest.repository}@{manifest.digest} has no image for {platform or 'anything'}"
            )
        manifest = registry.manifest(f"{manifest.repository}@{entries[0]['digest']}")
    return manifest


def _platform(entry: Mapping[str, object]) -> str:
    value = entry.get("platform")
    if not isinstance(value, dict):
        return ""
    words = (value.get("os"), value.get("architecture"), value.get("variant"))
    return "/".join(str(word) for word in words if word)


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
