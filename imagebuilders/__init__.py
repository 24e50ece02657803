"""Build container images from Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.archivable import Archivable as Archivable
    from imagebuilders.base_image_builder import BaseImageBuilder as BaseImageBuilder
    from imagebuilders.base_image_builder import BaseImageBuilderConfig as BaseImageBuilderConfig
    from imagebuilders.base_image_builder import BaseImageBuilderFlavor as BaseImageBuilderFlavor
    from imagebuilders.build_context import BuildContext as BuildContext

# name -> the module that defines it. Loaded when first asked for, so that
# `import imagebuilders` costs next to nothing.
_HOMES = {
    "Archivable": "imagebuilders.archivable",
    "BaseImageBuilder": "imagebuilders.base_image_builder",
    "BaseImageBuilderConfig": "imagebuilders.base_image_builder",
    "BaseImageBuilderFlavor": "imagebuilders.base_image_builder",
    "BuildContext": "imagebuilders.build_context",
}

__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
