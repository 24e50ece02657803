"""Verified doubles for code that builds, pushes and stores container images.

Each double is an object without module state: make as many as a test needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .artifact_store import InMemoryArtifactStore as InMemoryArtifactStore
    from .buildkit import FakeBuildKit as FakeBuildKit
    from .buildkit import ScriptedBuildKit as ScriptedBuildKit
    from .code_build import FakeAWS as FakeAWS
    from .code_build import FakeCodeBuild as FakeCodeBuild
    from .engine import FakeDockerClient as FakeDockerClient
    from .engine import FakeDockerEngine as FakeDockerEngine
    from .registry import FakeRegistry as FakeRegistry

# Loaded when first asked for: a test of a registry needs no Docker SDK.
_HOMES = {
    "FakeAWS": ".code_build",
    "FakeBuildKit": ".buildkit",
    "FakeCodeBuild": ".code_build",
    "FakeDockerClient": ".engine",
    "FakeDockerEngine": ".engine",
    "FakeRegistry": ".registry",
    "InMemoryArtifactStore": ".artifact_store",
    "ScriptedBuildKit": ".buildkit",
}

__all__ = [
    "FakeAWS",
    "FakeBuildKit",
    "FakeCodeBuild",
    "FakeDockerClient",
    "FakeDockerEngine",
    "FakeRegistry",
    "InMemoryArtifactStore",
    "ScriptedBuildKit",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
