"""Container registries: where images go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.lazy_names import lazy_names

if TYPE_CHECKING:
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

__getattr__ = lazy_names(
    __name__,
    {
        "BaseContainerRegistry": "imagebuilders.container_registries.base",
        "BaseContainerRegistryConfig": "imagebuilders.container_registries.base",
        "BaseContainerRegistryFlavor": "imagebuilders.container_registries.base",
        "DefaultContainerRegistry": "imagebuilders.container_registries.default",
        "DefaultContainerRegistryConfig": "imagebuilders.container_registries.default",
        "DefaultContainerRegistryFlavor": "imagebuilders.container_registries.default",
        "ECRContainerRegistry": "imagebuilders.container_registries.ecr",
        "ECRContainerRegistryConfig": "imagebuilders.container_registries.ecr",
        "ECRContainerRegistryFlavor": "imagebuilders.container_registries.ecr",
    },
)
