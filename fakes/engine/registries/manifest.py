"""The manifest of an image as an engine writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.media_types import DOCKER_CONFIG, DOCKER_MANIFEST

from ...images.image import Image
from .client import layer_blob


def manifest_of(image: Image, blobs: Sequence[Descriptor] | None = None) -> bytes:
    """The manifest the engine pushes for an image, byte for byte the same each time.

    The fields' order and the indentation are Docker's own; `imagebuilders.oci` writes compactly.

    Args:
        image: the image.
        blobs: its layers as the registry has them; as the engine compresses them otherwise.
    """
    if blobs is None:
        blobs = [layer_blob(layer.blob_digest, len(layer.compressed)) for layer in image.layers]
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {
            "mediaType": DOCKER_CONFIG,
            "size": len(image.document),
            "digest": image.config_digest,
        },
        "layers": [
            {"mediaType": blob.media_type, "size": blob.size, "digest": str(blob.digest)}
            for blob in blobs
        ],
    }
    return json.dumps(document, indent=3, separators=(",", ": ")).encode()
