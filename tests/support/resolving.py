"""Base images for Dockerfiles that are resolved in tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from imagebuilders.evaluation import Resolution
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.platform import Platform

Resolve = Callable[..., Resolution]


class Bases:
    """Base images by their names; of every platform."""

    def __init__(self, configs: Mapping[str, Mapping[str, object]]) -> None:
        self.configs = configs
        self.asked: list[str] = []

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the configuration of a base."""
        self.asked.append(reference)
        name = reference.removeprefix("docker.io/library/").removesuffix(":latest")
        if name not in self.configs:
            raise ImageBuilderError(f"{reference}: not found")
        layer = {"rootfs": {"type": "layers", "diff_ids": [f"sha256:{'1' * 64}"]}}
        return json.dumps({**platform.to_json(), "config": self.configs[name], **layer}).encode()
