"""An S3 service in memory for each test."""

from __future__ import annotations

import pytest
from memory_s3 import MemoryS3, MemoryS3Store


@pytest.fixture
def memory_s3() -> MemoryS3:
    """A service with one empty bucket."""
    return MemoryS3()


@pytest.fixture
def s3_store(memory_s3: MemoryS3) -> MemoryS3Store:
    """A store in that bucket."""
    store = MemoryS3Store(path="s3://bucket/prefix", part_size=5 * 1024 * 1024, concurrency=2)
    store.service = memory_s3
    return store
