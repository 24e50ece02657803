"""A BuildKit client: transport, session, control; usable without the builders."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.buildkit.build import CacheRequest as CacheRequest
    from imagebuilders.buildkit.build import ExporterRequest as ExporterRequest
    from imagebuilders.buildkit.build import ImageBuild as ImageBuild
    from imagebuilders.buildkit.build import build_image as build_image
    from imagebuilders.buildkit.control.client import ControlClient as ControlClient
    from imagebuilders.buildkit.daemon import connect as connect

# Loaded when first asked for: what needs no connection needs no HTTP/2.
_HOMES = {
    "CacheRequest": "imagebuilders.buildkit.build",
    "ControlClient": "imagebuilders.buildkit.control.client",
    "ExporterRequest": "imagebuilders.buildkit.build",
    "ImageBuild": "imagebuilders.buildkit.build",
    "build_image": "imagebuilders.buildkit.build",
    "connect": "imagebuilders.buildkit.daemon",
}

__all__ = [
    "CacheRequest",
    "ControlClient",
    "ExporterRequest",
    "ImageBuild",
    "build_image",
    "connect",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
