"""Annotations: what manifests, indexes and their descriptors say beside their content.

https://docs.docker.com/build/metadata/annotations/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuilders.build_options.image_details import Annotation
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.platform import Platform


@dataclass(frozen=True)
class Annotations:
    """What is to be said of an image.

    Attributes:
        given: the annotations.
    """

    given: tuple[Annotation, ...] = ()

    def of_manifest(self, platform: Platform) -> Mapping[str, str]:
        """Return what the manifest of a platform says."""
        return self._chosen(("", "manifest"), platform)

    def of_manifest_descriptor(self, platform: Platform) -> Mapping[str, str]:
        """Return what an index says of the manifest of a platform."""
        return self._chosen(("manifest-descriptor",), platform)

    def of_index(self) -> Mapping[str, str]:
        """Return what an index says."""
        return self._chosen(("index",), None)

    def of_index_descriptor(self) -> Mapping[str, str]:
        """Return what an image layout says of an index."""
        return self._chosen(("index-descriptor",), None)

    def check(self, *, is_index: bool) -> None:
        """See whether there is something for each to be put on.

        Raises:
            BuildOptionsError: one is of an index, and there will be none.
        """
        if not is_index and any(each.is_of_index for each in self.given):
            raise BuildOptionsError(
                "The option 'annotations' cannot be used: an image for one platform, without "
                "attestations, has no index to annotate.",
                option="annotations",
            )

    def _chosen(self, kinds: Iterable[str], platform: Platform | None) -> Mapping[str, str]:
        return {
            each.key: each.value
            for each in self.given
            if each.kind in kinds and _is_for(each.platform, platform)
        }


def _is_for(named: str, platform: Platform | None) -> bool:
    if not named or platform is None:
        return True
    return Platform.parse(named).normalized() == platform.normalized()
