"""An image whose documents and layers can be read, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Protocol

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.json_document import MAX_DOCUMENT_BYTES
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.platform import Platform


class Blobs(Protocol):
    """Where the contents of an image can be read."""

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        """Return a document; its digest is checked.

        Args:
            descriptor: which one.
            max_bytes: the most bytes to hold in memory.

        Raises:
            ImageBuilderError: it is not there, or is not what its digest says.
        """
        ...

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Return a layer's archive piece by piece, as often as it is asked for.

        Raises:
            ImageBuilderError: it is not there, or cannot be read.
        """
        ...


@dataclass(frozen=True)
class StoredImage:
    """An image that was found.

    Attributes:
        name: what the user calls it.
        place: where it is, in a few words, as in `the registry ghcr.io`.
        root: its manifest, or its index of manifests.
        blobs: reads what that leads to.
        content: the root's exact bytes, if they were read already.
    """

    name: str
    place: str
    root: Descriptor
    blobs: Blobs = field(repr=False)
    content: bytes | None = field(default=None, repr=False)

    def parse(self) -> Manifest | Index:
        """Return the manifest or index that the name stands for.

        Raises:
            ImageFormatError: it is malformed.
            ImageBuilderError: it cannot be read.
        """
        return self.manifest(self.root, self.content)

    def manifest(self, descriptor: Descriptor, content: bytes | None = None) -> Manifest | Index:
        """Return a manifest or index that a descriptor leads to.

        Args:
            descriptor: leads to it.
            content: its bytes, if they were read already.

        Raises:
            ImageFormatError: it is malformed.
            ImageBuilderError: it cannot be read.
        """
        if content is None:
            content = self.blobs.read(descriptor, max_bytes=MAX_DOCUMENT_BYTES)
        return parse_manifest(content, descriptor.media_type)

    def choose(self, platform: Platform | None) -> Manifest:
        """Return the manifest of one platform.

        Args:
            platform: which one; needed only where there are several.

        Raises:
            ImageFormatError: there is none for it, or there are several and none was named.
            ImageBuilderError: it cannot be read.
        """
        found = self.parse()
        if isinstance(found, Manifest):
            return found
        images = [entry for entry in found.manifests if not is_attestation(entry)]
        names = ", ".join(str(entry.platform) for entry in images) or "none"
        if platform is None and len(images) > 1:
            raise ImageFormatError(
                f"{self.name} is an index of several platforms: {names}. Name one of them."
            )
        entry = found.choose(platform) if platform is not None else next(iter(images), None)
        if entry is None:
            raise ImageFormatError(f"{self.name} has no image for {platform}, but for {names}.")
        image = self.manifest(entry)
        if isinstance(image, Index):
            raise ImageFormatError(f"{self.name} has an index inside of an index.")
        return image


ATTESTATION_TYPE = "vnd.docker.reference.type"
ATTESTATION_SUBJECT = "vnd.docker.reference.digest"
"""The annotations by which an index names attestations (BuildKit's "Image Attestation Storage"),
https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md"""


def is_attestation(entry: Descriptor) -> bool:
    """Tell whether an index's entry is about another image, and no image itself."""
    return entry.annotations.get(ATTESTATION_TYPE) == "attestation-manifest"
