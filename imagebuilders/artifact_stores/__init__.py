"""Where archives go: the artifact stores and the upload of build contexts."""

from __future__ import annotations

from imagebuilders.artifact_stores.base import BaseArtifactStore
from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.flavor import BaseArtifactStoreFlavor
from imagebuilders.artifact_stores.local import (
    LocalArtifactStore,
    LocalArtifactStoreConfig,
    LocalArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.remote import (
    RemoteArtifactStore,
    RemoteArtifactStoreConfig,
    RemoteArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.artifact_stores.s3 import (
    S3ArtifactStore,
    S3ArtifactStoreConfig,
    S3ArtifactStoreFlavor,
)
from imagebuilders.artifact_stores.tail import Tail
from imagebuilders.artifact_stores.upload import upload_build_context

__all__ = [
    "BaseArtifactStore",
    "BaseArtifactStoreConfig",
    "BaseArtifactStoreFlavor",
    "LocalArtifactStore",
    "LocalArtifactStoreConfig",
    "LocalArtifactStoreFlavor",
    "RemoteArtifactStore",
    "RemoteArtifactStoreConfig",
    "RemoteArtifactStoreFlavor",
    "RetryPolicy",
    "S3ArtifactStore",
    "S3ArtifactStoreConfig",
    "S3ArtifactStoreFlavor",
    "Tail",
    "upload_build_context",
]
