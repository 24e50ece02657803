"""Where an image goes: what a registry's repository and an image layout have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Protocol

from imagebuilders.daemonless.base_images import BaseImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest

Progress = Callable[[int], object]
"""Is told how many bytes of a layer were written so far."""


class Destination(Protocol):
    """A place that images are brought to; may be used by several threads.

    All methods raise `RegistryError` or `OSError` when the place does not take something.
    """

    def is_named(self, descriptor: Descriptor) -> bool:
        """Return whether the image's name stands for a manifest or index, which is there whole."""
        ...

    def has_image(self, descriptor: Descriptor) -> bool:
        """Return whether a manifest or index is there, and with it all that it names."""
        ...

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Return whether a blob is there."""
        ...

    def take_over(self, layer: Descriptor, image: BaseImage, on_progress: Progress) -> str:
        """Bring a layer of another image; return how that was done, in a word for people."""
        ...

    def write_layer(self, layer: Descriptor, blob: IO[bytes], on_progress: Progress) -> None:
        """Bring a layer's blob."""
        ...

    def write_blob(self, content: bytes, digest: Digest) -> None:
        """Bring a small blob."""
        ...

    def write_manifest(self, content: bytes, descriptor: Descriptor) -> None:
        """Bring a manifest or index; all that it names is there."""
        ...

    def name_image(self, content: bytes, descriptor: Descriptor) -> None:
        """Let the image's name stand for a manifest or index that is there, or bring it so."""
        ...
