"""A BuildKit client: transport, session, control; usable without the builders."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.buildkit.build import CacheRequest as CacheRequest
    from imagebuilders.buildkit.build import ExporterRequest as ExporterRequest
    from imagebuilders.buildkit.build import ImageBuild as ImageBuild
    from imagebuilders.buildkit.build import build_image as build_image
    from imagebuilders.buildkit.build_cache import CacheRecord as CacheRecord
    from imagebuilders.buildkit.build_cache import DiskUsage as DiskUsage
    from imagebuilders.buildkit.build_cache import disk_usage as disk_usage
    from imagebuilders.buildkit.build_cache import prune as prune
    from imagebuilders.buildkit.build_records import BuildRecord as BuildRecord
    from imagebuilders.buildkit.build_records import BuildState as BuildState
    from imagebuilders.buildkit.control.client import ControlClient as ControlClient
    from imagebuilders.buildkit.daemon import connect as connect
    from imagebuilders.buildkit.engine_client import OpenDaemon as OpenDaemon
    from imagebuilders.buildkit.history import build_history as build_history
    from imagebuilders.buildkit.history import delete_build as delete_build
    from imagebuilders.buildkit.history import failure_of as failure_of
    from imagebuilders.buildkit.history import find_build as find_build
    from imagebuilders.buildkit.history import pin_build as pin_build
    from imagebuilders.buildkit.history import replay_build as replay_build

# Loaded when first asked for: what needs no connection needs no HTTP/2.
_HOMES = {
    "BuildRecord": "imagebuilders.buildkit.build_records",
    "BuildState": "imagebuilders.buildkit.build_records",
    "CacheRecord": "imagebuilders.buildkit.build_cache",
    "CacheRequest": "imagebuilders.buildkit.build",
    "ControlClient": "imagebuilders.buildkit.control.client",
    "DiskUsage": "imagebuilders.buildkit.build_cache",
    "ExporterRequest": "imagebuilders.buildkit.build",
    "ImageBuild": "imagebuilders.buildkit.build",
    "OpenDaemon": "imagebuilders.buildkit.engine_client",
    "build_history": "imagebuilders.buildkit.history",
    "build_image": "imagebuilders.buildkit.build",
    "connect": "imagebuilders.buildkit.daemon",
    "delete_build": "imagebuilders.buildkit.history",
    "disk_usage": "imagebuilders.buildkit.build_cache",
    "failure_of": "imagebuilders.buildkit.history",
    "find_build": "imagebuilders.buildkit.history",
    "pin_build": "imagebuilders.buildkit.history",
    "prune": "imagebuilders.buildkit.build_cache",
    "replay_build": "imagebuilders.buildkit.history",
}

__all__ = [
    "BuildRecord",
    "BuildState",
    "CacheRecord",
    "CacheRequest",
    "ControlClient",
    "DiskUsage",
    "ExporterRequest",
    "ImageBuild",
    "OpenDaemon",
    "build_history",
    "build_image",
    "connect",
    "delete_build",
    "disk_usage",
    "failure_of",
    "find_build",
    "pin_build",
    "prune",
    "replay_build",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
