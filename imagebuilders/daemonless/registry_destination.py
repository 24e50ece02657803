"""Images brought to a registry's repository.

A layer of a base is mounted from where it is, if that is the same registry and it allows that, else
passed on as a stream. Large blobs go in chunks, so that an upload that was cut goes on.
"""

from __future__ import annotations

from typing import IO

from imagebuilders.daemonless.base_images import BaseImage
from imagebuilders.daemonless.destinations import Progress
from imagebuilders.distribution import Repository
from imagebuilders.exceptions import RegistryNotFoundError
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

CHUNK_BYTES = 8 * 1024 * 1024
"""A blob that is larger goes in chunks of this size."""


class RegistryDestination:
    """A tag of a repository; a `Destination`.

    Args:
        repository: the repository.
        reference: the image's name.
    """

    def __init__(self, repository: Repository, reference: ImageReference) -> None:
        self._repository = repository
        self._tag = reference.tag or DEFAULT_TAG

    def is_named(self, descriptor: Descriptor) -> bool:
        """Return whether the tag stands for a manifest."""
        return self._has(self._tag, descriptor)

    def has_image(self, descriptor: Descriptor) -> bool:
        """Return whether a manifest is there: no registry takes one without what it names."""
        return self._has(descriptor.digest, descriptor)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Return whether a blob is there."""
        return self._repository.blob_size(descriptor.digest) is not None

    def take_over(self, layer: Descriptor, image: BaseImage, on_progress: Progress) -> str:
        """Bring a layer of another image."""
        source = image.source
        if layer.is_nondistributable and layer.urls:
            return "Kept elsewhere"
        if isinstance(source, Repository) and source.registry == self._repository.registry:
            if source.path == self._repository.path:
                return "Already there"
            if self._repository.mount_blob(layer.digest, source):
                return f"Mounted from {source.path}"
        if self.has_blob(layer):
            return "Already there"
        with source.open_blob(layer.digest, size=layer.size) as pieces:
            self._repository.upload_blob(
                pieces, digest=layer.digest, chunk_size=CHUNK_BYTES, on_progress=on_progress
            )
        return "Copied"

    def write_layer(self, layer: Descriptor, blob: IO[bytes], on_progress: Progress) -> None:
        """Bring a layer's blob."""
        self._repository.upload_blob(
            blob,
            digest=layer.digest,
            chunk_size=CHUNK_BYTES,
            on_progress=on_progress,
        )

    def write_blob(self, content: bytes, digest: Digest) -> None:
        """Bring a small blob."""
        self._repository.upload_blob(content, digest=digest)

    def write_manifest(self, content: bytes, descriptor: Descriptor) -> None:
        """Bring a manifest or index by its digest."""
        self._repository.write_manifest(content, descriptor.media_type)

    def name_image(self, content: bytes, descriptor: Descriptor) -> None:
        """Let the tag stand for a manifest or index."""
        self._repository.write_manifest(content, descriptor.media_type, self._tag)

    def _has(self, reference: str | Digest, descriptor: Descriptor) -> bool:
        try:
            return self._repository.resolve(reference).digest == descriptor.digest
        except RegistryNotFoundError:
            return False
