"""The files of an image of an engine as an assertion wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..images.view import ImageView

if TYPE_CHECKING:
    from .engine import FakeDockerEngine


class ImageTree(ImageView):
    """The files of an image, all its layers together; see `ImageView`."""

    def __init__(self, engine: FakeDockerEngine, name: str, *, below: str = "") -> None:
        """Look into an image.

        Args:
            engine: where it is.
            name: its name, id or digest reference.
            below: a folder to take for the root.

        Raises:
            LookupError: when there is no such image, or no such folder in it.
        """
        image = engine.image(name)
        super().__init__(name, image.tree, image.parsed, image.layers, below=below)

    def paths(self, pattern: str = "**") -> list[str]:
        """As `find`."""
        return self.find(pattern)
