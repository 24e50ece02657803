"""The public hub as a test seeds it, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imagebuilders.oci.media_types import DOCKER_MANIFEST

from ...images.image import Image
from ...images.layers import digest_of
from ...images.reference import Reference
from .client import missing
from .errors import Reason, RegistryError
from .manifest import manifest_of


class Hub:
    """The repositories of the public hub that were seeded.

    Attributes:
        standing: makes the image of a repository that is there in any tag without being seeded.
    """

    def __init__(self) -> None:
        self._images: dict[str, dict[str, Image]] = {}
        self.standing: dict[str, Callable[[], Image]] = {}

    def add(self, reference: Reference, image: Image) -> None:
        """Give the hub an image."""
        self._images.setdefault(reference.path, {})[reference.tag] = image

    def repository(self, reference: Reference) -> HubRepository:
        """The repository of a name.

        Raises:
            RegistryError: when nothing of it was seeded.
        """
        make = self.standing.get(reference.path)
        if make is not None and reference.tag and not self._has(reference):
            self.add(reference, make())
        images = self._images.get(reference.path)
        if not images:
            raise hub_denial()
        return HubRepository(images)

    def find(self, path: str, tag: str, digest: str) -> tuple[Image, str] | None:
        """An image of a repository, and the digest of its manifest.

        Args:
            path: the repository.
            tag: its tag, which counts without a digest.
            digest: that of its manifest.
        """
        for name, image in self._images.get(path, {}).items():
            if digest or name == tag:
                found = digest_of(manifest_of(image))
                if digest in ("", found):
                    return image, found
        return None

    def _has(self, reference: Reference) -> bool:
        return reference.tag in self._images.get(reference.path, {})

    def paths(self) -> list[str]:
        """The repositories, sorted."""
        return sorted(self._images)


class HubRepository:
    """A repository of the public hub, seeded by a test."""

    base = "https://registry-1.docker.io"

    def __init__(self, images: dict[str, Image]) -> None:
        self._images = images

    def tags(self) -> list[str]:
        """The seeded tags."""
        return sorted(self._images)

    def resolve(self, tag: str) -> str:
        """The digest behind a tag.

        Raises:
            RegistryError: it was not seeded.
        """
        if tag not in self._images:
            raise RegistryError(*_unknown_manifest())
        return digest_of(manifest_of(self._images[tag]))

    def manifest(self, name: str) -> tuple[bytes, str]:
        """The manifest behind a tag or digest.

        Raises:
            RegistryError: when nothing of that name was seeded.
        """
        for tag, image in self._images.items():
            body = manifest_of(image)
            if name in (tag, digest_of(body)):
                return body, DOCKER_MANIFEST
        raise RegistryError(*_unknown_manifest())

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """A configuration or layer of a seeded image."""
        for image in self._images.values():
            if image.config_digest == digest:
                yield image.document[len(begun) :]
                return
            for layer in image.layers:
                if layer.blob_digest == digest:
                    yield layer.compressed[len(begun) :]
                    return
        raise missing("BLOB_UNKNOWN")


def _unknown_manifest() -> tuple[str, Reason]:
    reason = Reason("MANIFEST_UNKNOWN")
    return str(reason), reason


def hub_denial() -> RegistryError:
    """What the hub says of a repository that it has not, or not for us."""
    reason = Reason("DENIED")
    return RegistryError(str(reason), reason)
