"""An artifact store in memory that tells what was done with it, and fails on demand."""

from __future__ import annotations

from fakes.artifact_store.attempts import StoreOperation
from fakes.artifact_store.clock import ManualClock
from fakes.artifact_store.store import InMemoryArtifactStore, InMemoryArtifactStoreConfig

__all__ = [
    "InMemoryArtifactStore",
    "InMemoryArtifactStoreConfig",
    "ManualClock",
    "StoreOperation",
]
