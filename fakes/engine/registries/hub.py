"""The public hub as a test seeds it, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.media_types import DOCKER_MANIFEST, DOCKER_MANIFEST_LIST
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

from ...images.image import Image
from ...images.layers import digest_of
from .client import missing
from .errors import Reason, RegistryError
from .manifest import manifest_of


@dataclass(frozen=True)
class HubEntry:
    """What a tag or a digest of the hub leads to: one image, or an index of several.

    Attributes:
        images: one for each platform.
    """

    images: tuple[Image, ...]

    @cached_property
    def manifests(self) -> dict[str, bytes]:
        """The manifests of the images, by their digests."""
        bodies = (manifest_of(image) for image in self.images)
        return {digest_of(body): body for body in bodies}

    @cached_property
    def target(self) -> tuple[bytes, str]:
        """The manifest or the index, and its type."""
        if len(self.images) == 1:
            return next(iter(self.manifests.values())), DOCKER_MANIFEST
        manifests = [
            {
                "mediaType": DOCKER_MANIFEST,
                "digest": digest,
                "size": len(body),
                "platform": image.platform.to_json(),
            }
            for image, (digest, body) in zip(self.images, self.manifests.items(), strict=True)
        ]
        document = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST_LIST,
            "manifests": manifests,
        }
        return json.dumps(document, indent=3).encode(), DOCKER_MANIFEST_LIST

    @cached_property
    def digest(self) -> str:
        """The digest of the manifest or index."""
        return digest_of(self.target[0])

    def for_platform(self, platform: Platform) -> Image:
        """Return the image for a platform; the only one is for all of them.

        Raises:
            ImageBuilderError: the index names none; in BuildKit's words.
        """
        if len(self.images) == 1:
            return self.images[0]
        for image in self.images:
            if platform.runs(image.platform):
                return image
        raise ImageBuilderError("no match for platform in manifest: not found")


class Hub:
    """The repositories of the public hub that were seeded.

    Attributes:
        standing: makes the image of a repository that is there in any tag without being seeded.
        missed: the names that were asked for and not seeded, in order.
    """

    def __init__(self) -> None:
        self._images: dict[str, dict[str, HubEntry]] = {}
        self._pinned: dict[str, dict[str, HubEntry]] = {}
        self.standing: dict[str, Callable[[], Image]] = {}
        self.missed: list[str] = []

    def add(self, reference: ImageReference, *images: Image) -> None:
        """Give the hub an image, under a tag, a digest that it is to have, or both.

        Args:
            reference: its name.
            images: the image; several, one for each platform, are an index.
        """
        entry = HubEntry(images)
        if reference.tag:
            self._images.setdefault(reference.path, {})[reference.tag] = entry
        if reference.digest:
            self._pinned.setdefault(reference.path, {})[reference.digest] = entry

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

    def find(self, path: str, tag: str | None, digest: str | None) -> tuple[HubEntry, str] | None:
        """What a repository has, and its digest.

        Args:
            path: the repository.
            tag: its tag, which counts without a digest.
            digest: that of its manifest, or of the index that leads to it.
        """
        pinned, tags = self._pinned.get(path, {}), self._images.get(path, {})
        if digest is None:
            named = tags.get(tag or "")
            return (named, named.digest) if named is not None else None
        if digest in pinned:
            return pinned[digest], digest
        for entry in tags.values():
            if digest == entry.digest:
                return entry, digest
            for image, found in zip(entry.images, entry.manifests, strict=True):
                if digest == found:
                    return HubEntry((image,)), digest
        return None

    def paths(self) -> list[str]:
        """The repositories, sorted."""
        return sorted({*self._images, *self._pinned})


class HubRepository:
    """A repository of the public hub, seeded by a test."""

    base = "https://registry-1.docker.io"

    def __init__(self, images: dict[str, HubEntry], pinned: dict[str, HubEntry]) -> None:
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
        return self._images[tag].digest

    def manifest(self, name: str) -> tuple[bytes, str]:
        """The manifest or index behind a tag or digest, and its type.

        Raises:
            RegistryError: when nothing of that name was seeded.
        """
        if name in self._pinned:
            return self._pinned[name].target
        for tag, entry in self._images.items():
            if name in (tag, entry.digest):
                return entry.target
        for entry in (*self._images.values(), *self._pinned.values()):
            if name in entry.manifests:
                return entry.manifests[name], DOCKER_MANIFEST
        raise RegistryError(*_unknown_manifest())

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """A configuration or layer of a seeded image."""
        entries = (*self._images.values(), *self._pinned.values())
        for image in (image for entry in entries for image in entry.images):
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
