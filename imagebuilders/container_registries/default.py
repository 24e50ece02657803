"""Any registry that speaks the distribution API, through a Docker Engine."""

from __future__ import annotations

from imagebuilders.components.flavor import BuiltInFlavor
from imagebuilders.container_registries.base import (
    BaseContainerRegistry,
    BaseContainerRegistryConfig,
    BaseContainerRegistryFlavor,
)


class DefaultContainerRegistryConfig(BaseContainerRegistryConfig):
    """Settings of the `default` container registry."""


class DefaultContainerRegistry(BaseContainerRegistry[DefaultContainerRegistryConfig]):
    """Any registry that speaks the distribution API; a Docker Engine pushes to it."""


class DefaultContainerRegistryFlavor(BuiltInFlavor, BaseContainerRegistryFlavor):
    """The flavor `default`."""

    name = "default"
    config_class = DefaultContainerRegistryConfig
    implementation_class = DefaultContainerRegistry
