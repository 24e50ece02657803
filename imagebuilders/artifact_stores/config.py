"""The settings that all artifact stores have."""

from __future__ import annotations

from typing_extensions import TypeVar

from imagebuilders.components.component import StackComponentConfig


class BaseArtifactStoreConfig(StackComponentConfig):
    """Base of the settings of artifact stores.

    Attributes:
        path: the folder everything is put under: a path, or a URL.
    """

    path: str


ConfigT = TypeVar(
    "ConfigT",
    bound=BaseArtifactStoreConfig,
    default=BaseArtifactStoreConfig,
    covariant=True,
)
"""The class of a store's settings."""
