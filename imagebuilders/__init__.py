"""Build container images from Python."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if sys.platform == "win32":
    raise ImportError(
        "imagebuilders runs on Linux and macOS, and not on Windows: modes, owners and links of "
        "files, and the sockets that engines listen at, are other there. Use it in WSL 2, where "
        "it is on Linux: https://learn.microsoft.com/windows/wsl/install"
    )

if TYPE_CHECKING:
    from imagebuilders.archivable import Archivable, ArchiveType
    from imagebuilders.artifact_stores import (
        BaseArtifactStore,
        BaseArtifactStoreConfig,
        BaseArtifactStoreFlavor,
        LocalArtifactStore,
        LocalArtifactStoreConfig,
        LocalArtifactStoreFlavor,
        RemoteArtifactStore,
        RemoteArtifactStoreConfig,
        RemoteArtifactStoreFlavor,
        S3ArtifactStore,
        S3ArtifactStoreConfig,
        S3ArtifactStoreFlavor,
        upload_build_context,
    )
    from imagebuilders.aws_image_builder import AWSImageBuilder, AWSImageBuilderFlavor
    from imagebuilders.aws_image_builder_config import AWSImageBuilderConfig
    from imagebuilders.base_image_builder import (
        BaseImageBuilder,
        BaseImageBuilderConfig,
        BaseImageBuilderFlavor,
    )
    from imagebuilders.build_context import BuildContext
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.buildkit_image_builder import (
        BuildKitImageBuilder,
        BuildKitImageBuilderConfig,
        BuildKitImageBuilderFlavor,
    )
    from imagebuilders.container_registries import (
        BaseContainerRegistry,
        BaseContainerRegistryConfig,
        BaseContainerRegistryFlavor,
        DefaultContainerRegistry,
        DefaultContainerRegistryConfig,
        DefaultContainerRegistryFlavor,
        ECRContainerRegistry,
        ECRContainerRegistryConfig,
        ECRContainerRegistryFlavor,
    )
    from imagebuilders.daemonless_image_builder import (
        DaemonlessImageBuilder,
        DaemonlessImageBuilderConfig,
        DaemonlessImageBuilderFlavor,
    )
    from imagebuilders.local_image_builder import (
        LocalImageBuilder,
        LocalImageBuilderConfig,
        LocalImageBuilderFlavor,
    )
    from imagebuilders.many_builds import BuildResult, BuildTask
    from imagebuilders.remote_context import ArchiveContext, RemoteContext
    from imagebuilders.stack import (
        Client,
        Flavor,
        Stack,
        StackComponent,
        StackComponentConfig,
        StackComponentType,
    )

    __version__: str

# The module that defines each name is in `_HOMES`.
__all__ = [
    "AWSImageBuilder",
    "AWSImageBuilderConfig",
    "AWSImageBuilderFlavor",
    "Archivable",
    "ArchiveContext",
    "ArchiveType",
    "BaseArtifactStore",
    "BaseArtifactStoreConfig",
    "BaseArtifactStoreFlavor",
    "BaseContainerRegistry",
    "BaseContainerRegistryConfig",
    "BaseContainerRegistryFlavor",
    "BaseImageBuilder",
    "BaseImageBuilderConfig",
    "BaseImageBuilderFlavor",
    "BuildContext",
    "BuildKitImageBuilder",
    "BuildKitImageBuilderConfig",
    "BuildKitImageBuilderFlavor",
    "BuildResult",
    "BuildTask",
    "Client",
    "DaemonlessImageBuilder",
    "DaemonlessImageBuilderConfig",
    "DaemonlessImageBuilderFlavor",
    "DefaultContainerRegistry",
    "DefaultContainerRegistryConfig",
    "DefaultContainerRegistryFlavor",
    "DockerBuildOptions",
    "ECRContainerRegistry",
    "ECRContainerRegistryConfig",
    "ECRContainerRegistryFlavor",
    "Flavor",
    "LocalArtifactStore",
    "LocalArtifactStoreConfig",
    "LocalArtifactStoreFlavor",
    "LocalImageBuilder",
    "LocalImageBuilderConfig",
    "LocalImageBuilderFlavor",
    "RemoteArtifactStore",
    "RemoteArtifactStoreConfig",
    "RemoteArtifactStoreFlavor",
    "RemoteContext",
    "S3ArtifactStore",
    "S3ArtifactStoreConfig",
    "S3ArtifactStoreFlavor",
    "Stack",
    "StackComponent",
    "StackComponentConfig",
    "StackComponentType",
    "upload_build_context",
]

# Loaded when first asked for, so that `import imagebuilders` costs next to nothing.
_HOMES = {
    "AWSImageBuilder": "imagebuilders.aws_image_builder",
    "AWSImageBuilderConfig": "imagebuilders.aws_image_builder_config",
    "AWSImageBuilderFlavor": "imagebuilders.aws_image_builder",
    "Archivable": "imagebuilders.archivable",
    "ArchiveContext": "imagebuilders.remote_context",
    "ArchiveType": "imagebuilders.archivable",
    "BaseArtifactStore": "imagebuilders.artifact_stores",
    "BaseArtifactStoreConfig": "imagebuilders.artifact_stores",
    "BaseArtifactStoreFlavor": "imagebuilders.artifact_stores",
    "BaseContainerRegistry": "imagebuilders.container_registries",
    "BaseContainerRegistryConfig": "imagebuilders.container_registries",
    "BaseContainerRegistryFlavor": "imagebuilders.container_registries",
    "BaseImageBuilder": "imagebuilders.base_image_builder",
    "BaseImageBuilderConfig": "imagebuilders.base_image_builder",
    "BaseImageBuilderFlavor": "imagebuilders.base_image_builder",
    "BuildContext": "imagebuilders.build_context",
    "BuildResult": "imagebuilders.many_builds",
    "BuildTask": "imagebuilders.many_builds",
    "BuildKitImageBuilder": "imagebuilders.buildkit_image_builder",
    "BuildKitImageBuilderConfig": "imagebuilders.buildkit_image_builder",
    "BuildKitImageBuilderFlavor": "imagebuilders.buildkit_image_builder",
    "Client": "imagebuilders.stack",
    "DaemonlessImageBuilder": "imagebuilders.daemonless_image_builder",
    "DaemonlessImageBuilderConfig": "imagebuilders.daemonless_image_builder",
    "DaemonlessImageBuilderFlavor": "imagebuilders.daemonless_image_builder",
    "DefaultContainerRegistry": "imagebuilders.container_registries",
    "DefaultContainerRegistryConfig": "imagebuilders.container_registries",
    "DefaultContainerRegistryFlavor": "imagebuilders.container_registries",
    "ECRContainerRegistry": "imagebuilders.container_registries",
    "ECRContainerRegistryConfig": "imagebuilders.container_registries",
    "ECRContainerRegistryFlavor": "imagebuilders.container_registries",
    "DockerBuildOptions": "imagebuilders.build_options",
    "Flavor": "imagebuilders.stack",
    "LocalArtifactStore": "imagebuilders.artifact_stores",
    "LocalArtifactStoreConfig": "imagebuilders.artifact_stores",
    "LocalArtifactStoreFlavor": "imagebuilders.artifact_stores",
    "LocalImageBuilder": "imagebuilders.local_image_builder",
    "LocalImageBuilderConfig": "imagebuilders.local_image_builder",
    "LocalImageBuilderFlavor": "imagebuilders.local_image_builder",
    "RemoteArtifactStore": "imagebuilders.artifact_stores",
    "RemoteArtifactStoreConfig": "imagebuilders.artifact_stores",
    "RemoteArtifactStoreFlavor": "imagebuilders.artifact_stores",
    "RemoteContext": "imagebuilders.remote_context",
    "S3ArtifactStore": "imagebuilders.artifact_stores",
    "S3ArtifactStoreConfig": "imagebuilders.artifact_stores",
    "S3ArtifactStoreFlavor": "imagebuilders.artifact_stores",
    "Stack": "imagebuilders.stack",
    "StackComponent": "imagebuilders.stack",
    "StackComponentConfig": "imagebuilders.stack",
    "StackComponentType": "imagebuilders.stack",
    "upload_build_context": "imagebuilders.artifact_stores",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("imagebuilders.version").VERSION
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
