"""The manifest of an image as an engine writes it."""

from __future__ import annotations

import json

from imagebuilders.oci.media_types import DOCKER_CONFIG, DOCKER_LAYER_GZIP, DOCKER_MANIFEST

from ...images.image import Image
from .client import Blob


def manifest_of(image: Image, blobs: list[Blob] | None = None) -> bytes:
    """The manifest the engine pushes for an image, byte for byte the same each time.

    Args:
        image: the image.
        blobs: its layers as the registry has them; as the engine compresses them otherwise.
    """
    if blobs is None:
        blobs = [Blob(layer.blob_digest, len(layer.compressed)) for layer in image.layers]
    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {
            "mediaType": DOCKER_CONFIG,
            "size": len(image.document),
            "digest": image.config_digest,
        },
        "layers": [
            {"mediaType": DOCKER_LAYER_GZIP, "size": blob.size, "digest": blob.digest}
            for blob in blobs
        ],
    }
    return json.dumps(document, indent=3, separators=(",", ": ")).encode()
