"""Any registry that speaks the distribution API, through a Docker Engine."""

from __future__ import annotations

from imagebuilders.container_registries.base import (
    BaseContainerRegistry,
    BaseContainerRegistryConfig,
    BaseContainerRegistryFlavor,
)


class DefaultContainerRegistryConfig(BaseContainerRegistryConfig):
    """Settings of the `default` container registry."""


class DefaultContainerRegistry(BaseContainerRegistry):
    """Any registry that speaks the distribution API; a Docker Engine pushes to it."""

    config_class = DefaultContainerRegistryConfig


class DefaultContainerRegistryFlavor(BaseContainerRegistryFlavor):
    """The flavor `default`."""

    @property
    def name(self) -> str:
        """`default`."""
        return "default"

    @property
    def config_class(self) -> type[DefaultContainerRegistryConfig]:
        """The class of its settings."""
        return DefaultContainerRegistryConfig

    @property
    def implementation_class(self) -> type[DefaultContainerRegistry]:
        """The class that pushes."""
        return DefaultContainerRegistry

    @property
    def docs_url(self) -> str:
        """Its page in the documentation."""
        return self.generate_default_docs_url()

    @property
    def sdk_docs_url(self) -> str:
        """Its reference page."""
        return self.generate_default_sdk_docs_url()
