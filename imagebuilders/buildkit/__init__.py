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
    from imagebuilders.buildkit.cache_filters import CacheFilters as CacheFilters
    from imagebuilders.buildkit.cache_filters import parse_cache_filters as parse_cache_filters
    from imagebuilders.buildkit.control.client import ControlClient as ControlClient
    from imagebuilders.buildkit.control.failure import SourceRange as SourceRange
    from imagebuilders.buildkit.daemon import connect as connect
    from imagebuilders.buildkit.engine_client import OpenDaemon as OpenDaemon
    from imagebuilders.buildkit.frontend_answers import BuildTarget as BuildTarget
    from imagebuilders.buildkit.frontend_answers import DockerfileCheck as DockerfileCheck
    from imagebuilders.buildkit.frontend_answers import DockerfileOutline as DockerfileOutline
    from imagebuilders.buildkit.frontend_answers import DockerfileTargets as DockerfileTargets
    from imagebuilders.buildkit.frontend_answers import LintWarning as LintWarning
    from imagebuilders.buildkit.frontend_answers import OutlineArgument as OutlineArgument
    from imagebuilders.buildkit.frontend_answers import OutlineCache as OutlineCache
    from imagebuilders.buildkit.frontend_answers import OutlineMount as OutlineMount
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
    "BuildTarget": "imagebuilders.buildkit.frontend_answers",
    "CacheFilters": "imagebuilders.buildkit.cache_filters",
    "CacheRecord": "imagebuilders.buildkit.build_cache",
    "CacheRequest": "imagebuilders.buildkit.build",
    "ControlClient": "imagebuilders.buildkit.control.client",
    "DiskUsage": "imagebuilders.buildkit.build_cache",
    "DockerfileCheck": "imagebuilders.buildkit.frontend_answers",
    "DockerfileOutline": "imagebuilders.buildkit.frontend_answers",
    "DockerfileTargets": "imagebuilders.buildkit.frontend_answers",
    "ExporterRequest": "imagebuilders.buildkit.build",
    "ImageBuild": "imagebuilders.buildkit.build",
    "LintWarning": "imagebuilders.buildkit.frontend_answers",
    "OpenDaemon": "imagebuilders.buildkit.engine_client",
    "OutlineArgument": "imagebuilders.buildkit.frontend_answers",
    "OutlineCache": "imagebuilders.buildkit.frontend_answers",
    "OutlineMount": "imagebuilders.buildkit.frontend_answers",
    "SourceRange": "imagebuilders.buildkit.control.failure",
    "build_history": "imagebuilders.buildkit.history",
    "build_image": "imagebuilders.buildkit.build",
    "connect": "imagebuilders.buildkit.daemon",
    "delete_build": "imagebuilders.buildkit.history",
    "disk_usage": "imagebuilders.buildkit.build_cache",
    "failure_of": "imagebuilders.buildkit.history",
    "find_build": "imagebuilders.buildkit.history",
    "parse_cache_filters": "imagebuilders.buildkit.cache_filters",
    "pin_build": "imagebuilders.buildkit.history",
    "prune": "imagebuilders.buildkit.build_cache",
    "replay_build": "imagebuilders.buildkit.history",
}

__all__ = [
    "BuildRecord",
    "BuildState",
    "BuildTarget",
    "CacheFilters",
    "CacheRecord",
    "CacheRequest",
    "ControlClient",
    "DiskUsage",
    "DockerfileCheck",
    "DockerfileOutline",
    "DockerfileTargets",
    "ExporterRequest",
    "ImageBuild",
    "LintWarning",
    "OpenDaemon",
    "OutlineArgument",
    "OutlineCache",
    "OutlineMount",
    "SourceRange",
    "build_history",
    "build_image",
    "connect",
    "delete_build",
    "disk_usage",
    "failure_of",
    "find_build",
    "parse_cache_filters",
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
