"""Build container images from Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.archivable import Archivable, ArchiveType
    from imagebuilders.artifact_stores import BaseArtifactStore
    from imagebuilders.base_image_builder import (
        BaseImageBuilder,
        BaseImageBuilderConfig,
        BaseImageBuilderFlavor,
    )
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.container_registries import BaseContainerRegistry
    from imagebuilders.local_image_builder import (
        LocalImageBuilder,
        LocalImageBuilderConfig,
        LocalImageBuilderFlavor,
    )
    from imagebuilders.stack import (
        Client,
        Flavor,
        Stack,
        StackComponent,
        StackComponentConfig,
        StackComponentType,
    )

# The module that defines each name is in `_HOMES`.
__all__ = [
    "Archivable",
    "ArchiveType",
    "BaseArtifactStore",
    "BaseContainerRegistry",
    "BaseImageBuilder",
    "BaseImageBuilderConfig",
    "BaseImageBuilderFlavor",
    "BuildContext",
    "Client",
    "DockerBuildOptions",
    "Flavor",
    "LocalImageBuilder",
    "LocalImageBuilderConfig",
    "LocalImageBuilderFlavor",
    "Stack",
    "StackComponent",
    "StackComponentConfig",
    "StackComponentType",
]

# Loaded when first asked for, so that `import imagebuilders` costs next to nothing.
_HOMES = {
    "Archivable": "imagebuilders.archivable",
    "ArchiveType": "imagebuilders.archivable",
    "BaseArtifactStore": "imagebuilders.artifact_stores",
    "BaseContainerRegistry": "imagebuilders.container_registries",
    "BaseImageBuilder": "imagebuilders.base_image_builder",
    "BaseImageBuilderConfig": "imagebuilders.base_image_builder",
    "BaseImageBuilderFlavor": "imagebuilders.base_image_builder",
    "BuildContext": "imagebuilders.build_context",
    "Client": "imagebuilders.stack",
    "DockerBuildOptions": "imagebuilders.build_options",
    "Flavor": "imagebuilders.stack",
    "LocalImageBuilder": "imagebuilders.local_image_builder",
    "LocalImageBuilderConfig": "imagebuilders.local_image_builder",
    "LocalImageBuilderFlavor": "imagebuilders.local_image_builder",
    "Stack": "imagebuilders.stack",
    "StackComponent": "imagebuilders.stack",
    "StackComponentConfig": "imagebuilders.stack",
    "StackComponentType": "imagebuilders.stack",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
