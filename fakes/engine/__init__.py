"""A Docker Engine in memory, for tests of code that builds, tags and pushes images."""

from __future__ import annotations

from fakes.engine.client import FakeDockerClient
from fakes.engine.engine import FakeDockerEngine

__all__ = ["FakeDockerClient", "FakeDockerEngine"]
