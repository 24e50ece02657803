"""A Docker Engine in memory, for tests of code that builds, tags and pushes images."""

from __future__ import annotations

from fakes.engine.client import FakeDockerClient
from fakes.engine.engine import FakeDockerEngine
from fakes.engine.errors import FakeDockerEngineCrashError
from fakes.engine.image_tree import ImageTree

__all__ = ["FakeDockerClient", "FakeDockerEngine", "FakeDockerEngineCrashError", "ImageTree"]
