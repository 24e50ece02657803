"""The manifest of an image, and the index that leads to it, as containerd's store keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from imagebuilders.oci.digest import Digest
from imagebuilders.oci.media_types import DOCKER_LAYER_GZIP, OCI_CONFIG, OCI_MANIFEST

from .layers import Layer, digest_of

IN_TOTO = "application/vnd.in-toto+json"
"""The type of a blob that says something of an image."""


@dataclass(frozen=True)
class Content:
    """A manifest or an index, byte for byte.

    Attributes:
        media_type: what it is.
        data: its bytes.
        given: the digest under which it was seeded, which need not be that of its bytes.
        notes: annotations of its descriptor.
    """

    media_type: str
    data: bytes = field(repr=False)
    given: str = ""
    notes: Mapping[str, str] = field(default_factory=dict, hash=False)

    @cached_property
    def digest(self) -> str:
        """Its digest."""
        return self.given or str(Digest.of(self.data))

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The descriptors of a manifest's layers."""
        return self.parsed.get("layers") or []

    @cached_property
    def parsed(self) -> dict[str, Any]:
        """The document; not to be changed."""
        document: dict[str, Any] = json.loads(self.data)
        return document

    @property
    def leads_to(self) -> list[dict[str, Any]]:
        """The descriptors of a manifest's configuration and layers."""
        config = self.parsed.get("config")
        return [*([config] if config else []), *self.layers]

    @property
    def is_image(self) -> bool:
        """Whether it is the manifest of an image, and not of what is attested of one."""
        return all(each.get("mediaType") != IN_TOTO for each in self.layers)

    def described(self) -> dict[str, Any]:
        """Return its descriptor."""
        notes = {"annotations": dict(self.notes)} if self.notes else {}
        size = len(self.data)
        return {"mediaType": self.media_type, "digest": self.digest, "size": size, **notes}


def own_manifest(
    document: bytes, layers: Sequence[Layer], base: Sequence[Mapping[str, Any]] = ()
) -> Content:
    """Return the manifest that an engine makes for an image, the same bytes each time.

    The fields' order and the indentation are those of Docker's classic builder.

    Args:
        document: the image's configuration.
        layers: lowest first.
        base: the descriptors of the layers of the image below, whose types stay.
    """
    types = {each["digest"]: each["mediaType"] for each in base}
    for layer in layers:
        layer.compress_well()
    described = [
        {
            "mediaType": types.get(layer.blob_digest, DOCKER_LAYER_GZIP),
            "digest": layer.blob_digest,
            "size": len(layer.compressed),
        }
        for layer in layers
    ]
    config = {"mediaType": OCI_CONFIG, "digest": digest_of(document), "size": len(document)}
    manifest = {
        "mediaType": OCI_MANIFEST,
        "schemaVersion": 2,
        "config": config,
        "layers": described or None,
    }
    return Content(OCI_MANIFEST, json.dumps(manifest, indent=4, separators=(",", ": ")).encode())
