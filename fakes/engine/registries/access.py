"""What an engine knows of registries."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..images.store import ImageStore
from .hub import Hub
from .layer_sources import LayerSources


@dataclass
class RegistryAccess:
    """Where pulls come from and pushes go to.

    Attributes:
        images: of the engine.
        hub: what of the public hub was seeded.
        hub_is_real: names of the hub lead over the network.
        layer_sources: which registries have which layer.
        manifests: content and type of those that were fetched, by digest.
    """

    images: ImageStore
    hub: Hub = field(default_factory=Hub)
    hub_is_real: bool = False
    layer_sources: LayerSources = field(default_factory=LayerSources)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
