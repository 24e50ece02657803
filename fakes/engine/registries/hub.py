"""The public hub as a test seeds it, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imagebuilders.oci.media_types import DOCKER_MANIFEST
from imagebuilders.oci.reference import ImageReference

from ...images.image import Image
from ...images.layers import digest_of
from .client import missing
from .errors import Reason, RegistryError
from .manifest import manifest_of


class Hub:
    """The repositories of the public hub that were seeded.

    Attributes:
        standing: makes the image of a repository that is there in any tag without being seeded.
        missed: the names that were asked for and not seeded, in order.
    """

    def __init__(self) -> None:
        self._images: dict[str, dict[str, Image]] = {}
        self._pinned: dict[str, dict[str, Image]] = {}
        self.standing: dict[str, Callable[[], Image]] = {}
        self.missed: list[str] = []

    def add(self, reference: ImageReference, image: Image) -> None:
        """Give the hub an image, under a tag, a digest that it is to have, or both."""
        if reference.tag:
            self._images.setdefault(reference.path, {})[reference.tag] = image
        if reference.digest:
            self._pinned.setdefault(reference.path, {})[reference.digest] = image

    def has(self, reference: ImageReference) -> bool:
        """Return whether a tag or digest was seeded; without both, anything of the repository."""
        if reference.path in self.standing:
            return True
        if not reference.tag and not reference.digest:
            return reference.path in self._images
        return self.find(reference.path, reference.tag, reference.digest) is not None

    def repository(self, reference: ImageReference) -> HubRepository:
        """The repository of a name.

        Raises:
            RegistryError: when nothing of it was seeded.
        """
        path, tag = reference.path, reference.tag
        make = self.standing.get(path)
        if make is not None and tag and tag not in self._images.get(path, {}):
            self.add(reference, make())
        if not self.has(reference):
            self.missed.append(str(reference))
        images, pinned = self._images.get(path, {}), self._pinned.get(path, {})
        if not images and not pinned:
            raise hub_denial()
        return HubRepository(images, pinned)

    def find(self, path: str, tag: str | None, digest: str | None) -> tuple[Image, str] | None:
        """An image of a repository, and the digest of its manifest.

        Args:
            path: the repository.
            tag: its tag, which counts without a digest.
            digest: that of its manifest.
        """
        pinned = self._pinned.get(path, {})
        if digest is not None and digest in pinned:
            return pinned[digest], digest
        for name, image in self._images.get(path, {}).items():
            if digest or name == tag:
                found = digest_of(manifest_of(image))
                if digest in (None, found):
                    return image, found
        return None

    def paths(self) -> list[str]:
        """The repositories, sorted."""
        return sorted({*self._images, *self._pinned})


class HubRepository:
    """A repository of the public hub, seeded by a test."""

    base = "https://registry-1.docker.io"

    def __init__(self, images: dict[str, Image], pinned: dict[str, Image]) -> None:
        self._images = images
        self._pinned = pinned

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
        if name in self._pinned:
            return manifest_of(self._pinned[name]), DOCKER_MANIFEST
        for tag, image in self._images.items():
            body = manifest_of(image)
            if name in (tag, digest_of(body)):
                return body, DOCKER_MANIFEST
        raise RegistryError(*_unknown_manifest())

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """A configuration or layer of a seeded image."""
        for image in (*self._images.values(), *self._pinned.values()):
            if image.config_digest == digest:
                yield image.document[len(begun) :]
                return
            for layer in image.layers:
                if layer.blob_digest == digest:
                    yield layer.compressed[len(begun) :]
                    return
        raise missing("BLOB_UNKNOWN")

    def vouches_for(self, digest: str) -> bool:
        """Whether an image was seeded under a digest, which need not be that of its content."""
        return digest in self._pinned


def _unknown_manifest() -> tuple[str, Reason]:
    reason = Reason("MANIFEST_UNKNOWN")
    return str(reason), reason


def hub_denial() -> RegistryError:
    """What the hub says of a repository that it has not, or not for us."""
    reason = Reason("DENIED")
    return RegistryError(str(reason), reason)
