"""Images in a registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagebuilders.distribution import CredentialSource, RegistryClient, Repository
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.media_types import INDEX_TYPES, MANIFEST_TYPES
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference
from imagebuilders.temporary_folder import temporary_folder

PIECE_BYTES = 1024 * 1024


@contextmanager
def open_registry_image(name: str, credentials: CredentialSource | None) -> Iterator[StoredImage]:
    """Lend an image of a registry for a `with` block.

    Layers that are read are kept in a temporary folder until the block ends.

    Args:
        name: the image's name.
        credentials: knows who to be at the registry.

    Raises:
        ImageNameError: the name is malformed.
        RegistryError: the registry does not have it, or cannot be asked.
    """
    reference = ImageReference.parse(name)
    with (
        RegistryClient(reference.domain, credentials=credentials) as client,
        temporary_folder() as folder,
    ):
        repository = client.repository(reference.path)
        stored = repository.read_manifest(reference.digest or reference.tag or DEFAULT_TAG)
        blobs = _RegistryBlobs(repository, Path(folder))
        place = f"the registry {reference.domain}"
        yield StoredImage(name, place, stored.descriptor, blobs, stored.content)


class _RegistryBlobs:
    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._folder = folder

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        if descriptor.media_type in MANIFEST_TYPES | INDEX_TYPES:
            return self._repository.read_manifest(descriptor.digest).content
        return self._repository.read_blob(
            descriptor.digest, size=descriptor.size, max_bytes=max_bytes
        )

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        path = self._folder / str(descriptor.digest).replace(":", "-")
        if not path.exists():
            self._download(descriptor, path)
        yield from file_pieces(path)

    def _download(self, descriptor: Descriptor, path: Path) -> None:
        partial = path.with_suffix(".part")
        with (
            self._repository.open_blob(descriptor.digest, size=descriptor.size) as pieces,
            partial.open("wb") as file,
        ):
            for piece in pieces:
                file.write(piece)
        os.replace(partial, path)


def file_pieces(path: Path) -> Iterator[bytes]:
    """Return the bytes of a file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
