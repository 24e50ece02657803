"""What operations of LLB make: files, and the layers that they come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.evaluation.trees import Folder

    from ...images.layers import Layer
    from .step_cache import DoneStep


@dataclass(frozen=True)
class Made:
    """What an operation made.

    Attributes:
        tree: the files; `None` if nothing was ever written.
        layers: what they come in, lowest first.
        names: what made each layer; empty for layers of images.
    """

    tree: Folder | None = None
    layers: tuple[Layer, ...] = ()
    names: tuple[str, ...] = ()

    def with_layer(self, done: DoneStep) -> Made:
        """Return it with a layer above."""
        return Made(done.tree, (*self.layers, done.layer), (*self.names, done.title))


NOTHING = Made()
"""What is in an empty definition (`scratch`)."""
