"""An image to build upon, as an engine tells of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class BaseImage:
    """An image that an engine has.

    Attributes:
        id: its ID.
        layers: the digests of its layers, by which BuildKit's cache knows it.
        settings: what its configuration sets for steps: environment, user, folder, shell.
    """

    id: str
    layers: tuple[str, ...]
    settings: str


FindBase: TypeAlias = Callable[[str], BaseImage | None]
"""Returns the image of a name that the engine has; `None` when it has none."""
