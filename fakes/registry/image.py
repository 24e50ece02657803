"""An image in a registry, found by its manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imagebuilders.exceptions import ConfigurationError, LayerFormatError
from imagebuilders.oci.file_tree import Tree
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.members import Member, read_layer

from ..images.view import ImageFile, ImageView, LayerEntries
from .errors import NotInRegistryError
from .storage import Manifest

__all__ = ["Contents", "Image", "ImageFile", "read_image"]


class Contents(Protocol):
    """What a registry holds."""

    def blob(self, digest: str) -> bytes:
        """Return a blob."""
        ...

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest by its repository and tag or digest."""
        ...


@dataclass(frozen=True)
class _Layer:
    """A layer by the digest that its manifest has for it."""

    digest: str
    members: list[Member]


class Image(ImageView):
    """An image in the registry; see `ImageView`.

    Attributes:
        manifest: its manifest.
    """

    def __init__(
        self,
        manifest: Manifest,
        tree: Tree,
        config: Mapping[str, object],
        layers: Sequence[LayerEntries],
    ) -> None:
        super().__init__(manifest.digest, tree, config, layers)
        self.manifest = manifest

    def _missing(self, message: str) -> LookupError:
        return NotInRegistryError(message)

    @property
    def digest(self) -> str:
        """The manifest's digest: what a push reports."""
        return self.manifest.digest

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """What its file system holds, sorted by path."""
        return tuple(self._described(path) for path in sorted(self._tree, key="/{}".format))

    @property
    def paths(self) -> list[str]:
        """The absolute paths of all files; directories are left out."""
        return [f"/{path}" for path in self]


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
    tree: Tree = {}
    layers: list[_Layer] = []
    for descriptor in manifest.descriptors("layers"):
        digest = str(descriptor["digest"])
        try:
            members = read_layer([registry.blob(digest)])
            tree = apply_layer(tree, members)
        except (LayerFormatError, ConfigurationError) as error:
            raise ValueError(f"layer {digest} is no tar archive: {error}") from error
        layers.append(_Layer(digest, members))
    return Image(manifest, tree, config, layers)


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
