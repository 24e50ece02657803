"""An artifact store in memory that tells what was done with it, and fails on demand."""

from __future__ import annotations

from ..clock import ManualClock
from .attempts import StoreOperation
from .store import InMemoryArtifactStore, InMemoryArtifactStoreConfig

__all__ = [
    "InMemoryArtifactStore",
    "InMemoryArtifactStoreConfig",
    "ManualClock",
    "StoreOperation",
]
