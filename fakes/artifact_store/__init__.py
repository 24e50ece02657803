"""An artifact store in memory that tells what was done with it, and fails on demand."""

from __future__ import annotations

from .attempts import StoreOperation
from .clock import ManualClock
from .store import InMemoryArtifactStore, InMemoryArtifactStoreConfig

__all__ = [
    "InMemoryArtifactStore",
    "InMemoryArtifactStoreConfig",
    "ManualClock",
    "StoreOperation",
]
