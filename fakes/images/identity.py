"""What an image's id is: a strategy of the store that holds it."""

from __future__ import annotations

from typing import Protocol

from .image import Image


class ImageIdentity(Protocol):
    """Gives images their ids.

    With a graph driver, that is the digest of the configuration; with containerd's store, that of
    the manifest, or of the index that leads to it.
    """

    def of(self, image: Image) -> str:
        """Return the id of an image, a digest; always the same for the same image."""
        ...


class ConfigDigestIdentity:
    """The digest of the configuration, as engines with a graph driver have it."""

    def of(self, image: Image) -> str:
        """Return the id."""
        return image.config_digest


class TargetDigestIdentity:
    """The digest of the manifest or the index, as engines with containerd's store have it."""

    def of(self, image: Image) -> str:
        """Return the id."""
        return image.target.digest
