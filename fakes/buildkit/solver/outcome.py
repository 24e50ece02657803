"""What a build made, before it is exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.evaluation.trees import Folder
    from imagebuilders.oci.platform import Platform

    from ...images.image import Image
    from .attestations import Predicate
    from .cache_records import StepChain


@dataclass(frozen=True)
class BuiltImage:
    """An image for one platform.

    Attributes:
        platform: what it is for.
        image: the image.
        tree: its files; `None` if nothing was ever written.
        predicates: what is attested of it.
        chains: the steps of the stages that were needed, those of its own first.
    """

    platform: Platform
    image: Image
    tree: Folder | None = field(repr=False)
    predicates: tuple[Predicate, ...] = ()
    chains: tuple[StepChain, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Outcome:
    """What a frontend made of a build.

    Attributes:
        images: one for each platform.
        is_index: it is an index of images, even if there is only one.
        metadata: what the frontend says beside it.
        has_inline_cache: its images hold the cache of their steps.
    """

    images: tuple[BuiltImage, ...] = ()
    is_index: bool = False
    metadata: Mapping[str, bytes] = field(default_factory=dict, hash=False)
    has_inline_cache: bool = False

    def for_files(self) -> Outcome:
        """Return it without what is attested of images alone."""
        images = tuple(
            replace(built, predicates=tuple(one for one in built.predicates if not one.is_inline))
            for built in self.images
        )
        return replace(self, images=images)
