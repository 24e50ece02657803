"""An artifact store in a bucket of S3, or of a service that speaks its protocol."""

from __future__ import annotations

from imagebuilders.artifact_stores.s3.config import S3ArtifactStoreConfig
from imagebuilders.artifact_stores.s3.store import S3ArtifactStore, S3ArtifactStoreFlavor

__all__ = ["S3ArtifactStore", "S3ArtifactStoreConfig", "S3ArtifactStoreFlavor"]
