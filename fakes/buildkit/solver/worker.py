"""What a solver is given: images, rules, the time, and where builds are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...images.image import Image
from ...records import BuildRecord
from ...shell.run_rules import RunRules


class Worker(Protocol):
    """Whoever has the daemon: an engine double, or the daemon standing alone."""

    @property
    def rules(self) -> RunRules:
        """What RUN steps do."""
        ...

    @property
    def builds(self) -> list[BuildRecord]:
        """Where builds are recorded."""
        ...

    @property
    def hub_is_real(self) -> bool:
        """Whether names of the public hub lead over the network."""
        ...

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        ...

    def local_image(self, reference: str) -> Image | None:
        """Return an image of the engine's own store.

        Args:
            reference: with domain and tag or digest.
        """
        ...

    def knows_in_hub(self, path: str) -> bool:
        """Return whether anything of a repository of the public hub was seeded."""
        ...

    def hub_image(self, path: str, tag: str, digest: str) -> tuple[Image, str] | None:
        """Return an image of the public hub that was seeded, and the digest of its manifest.

        Args:
            path: the repository.
            tag: the tag, which counts without a digest.
            digest: the digest of its manifest.
        """
        ...

    def keep(self, image: Image, names: Sequence[str]) -> str:
        """Put an image into the store, under some names.

        Returns:
            Its ID.
        """
        ...
