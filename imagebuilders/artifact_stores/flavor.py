"""The base of the flavors of artifact stores."""

from __future__ import annotations

import builtins
from abc import ABC

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.components.component import StackComponentType
from imagebuilders.components.flavor import Flavor
from imagebuilders.components.overridable import overridable_property


class BaseArtifactStoreFlavor(Flavor, ABC):
    """Base of the flavors of artifact stores."""

    @overridable_property
    def type(self) -> StackComponentType:
        """`StackComponentType.ARTIFACT_STORE`."""
        return StackComponentType.ARTIFACT_STORE

    @overridable_property
    def config_class(self) -> builtins.type[BaseArtifactStoreConfig]:
        """The class of the store's settings."""
        return BaseArtifactStoreConfig

    @overridable_property
    def implementation_class(self) -> builtins.type[BaseArtifactStore]:
        """The store's class."""
        return BaseArtifactStore
