"""A Docker Engine in memory, for tests of code that builds, tags and pushes images."""

from __future__ import annotations

from .client import FakeDockerClient
from .engine import FakeDockerEngine
from .errors import FakeDockerEngineCrashError
from .image_tree import ImageTree

__all__ = [
    "FakeDockerClient",
    "FakeDockerEngine",
    "FakeDockerEngineCrashError",
    "ImageTree",
]
