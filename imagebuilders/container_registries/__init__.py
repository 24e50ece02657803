"""Container registries: where images go."""

from __future__ import annotations

from imagebuilders.container_registries.base import (
    BaseContainerRegistry,
    BaseContainerRegistryConfig,
    BaseContainerRegistryFlavor,
)
from imagebuilders.container_registries.default import (
    DefaultContainerRegistry,
    DefaultContainerRegistryConfig,
    DefaultContainerRegistryFlavor,
)
from imagebuilders.container_registries.ecr import (
    ECRContainerRegistry,
    ECRContainerRegistryConfig,
    ECRContainerRegistryFlavor,
)

__all__ = [
    "BaseContainerRegistry",
    "BaseContainerRegistryConfig",
    "BaseContainerRegistryFlavor",
    "DefaultContainerRegistry",
    "DefaultContainerRegistryConfig",
    "DefaultContainerRegistryFlavor",
    "ECRContainerRegistry",
    "ECRContainerRegistryConfig",
    "ECRContainerRegistryFlavor",
]
