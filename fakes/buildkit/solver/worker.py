"""What a solver is given: images, rules, the time, and where builds are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from ...images.image import Image
from ...records import BuildRecord
from ...shell.machines import Machines
from ...shell.run_rules import RunRules


class Worker(Protocol):
    """Whoever has the daemon: an engine double, or the daemon standing alone."""

    @property
    def rules(self) -> RunRules:
        """What RUN steps do."""
        ...

    @property
    def machines(self) -> Machines | None:
        """What evaluates commands; `None` if nothing does."""
        ...

    @property
    def builds(self) -> list[BuildRecord]:
        """Where builds are recorded."""
        ...

    @property
    def hub_is_real(self) -> bool:
        """Whether names of the public hub that nobody seeded lead to a registry."""
        ...

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        ...

    def address(self, domain: str) -> str:
        """Return where the registry of a host is.

        Raises:
            ImageBuilderError: it is out of reach.
        """
        ...

    def local_image(self, reference: str, platform: Platform) -> tuple[Image, str] | None:
        """Return an image of the engine's own store, and the digest that its name leads to.

        With a graph driver, that is no digest.

        Args:
            reference: with domain and tag or digest.
            platform: what it is for.
        """
        ...

    def knows(self, name: ImageReference) -> bool:
        """Return whether anything of a registry's repository was seeded."""
        ...

    def remote_image(self, name: ImageReference, platform: Platform) -> tuple[Image, str] | None:
        """Return an image of a registry that was seeded, and the digest of its manifest."""
        ...

    def keep(self, image: Image, names: Sequence[str]) -> str:
        """Put an image into the store, under some names.

        Returns:
            Its ID.
        """
        ...
