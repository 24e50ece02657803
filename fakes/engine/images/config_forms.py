"""How each engine writes the configurations of images and containers."""

from __future__ import annotations

from collections.abc import Collection

from ...images.config import ImageDocument
from ..versions import CONTAINERD, ByVersion, EngineVersion

LEFT_OUT: ByVersion[Collection[str]] = ByVersion((), {"29.0": ("OnBuild",)})
"""The keys that an engine leaves out where they say nothing, and older ones did not."""


def written(config: ImageDocument, version: EngineVersion) -> bytes:
    """Return an image's document as an engine writes it."""
    if version.image_store == CONTAINERD:
        return config.to_oci_bytes()
    return config.to_bytes(LEFT_OUT.of(version))
