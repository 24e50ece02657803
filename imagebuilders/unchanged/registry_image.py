"""What registries say: the digests of bases, and the key that an image of a name has."""

from __future__ import annotations

import platform as system
from typing import TYPE_CHECKING

from imagebuilders.distribution.registries import Registries, choose_image, read_config
from imagebuilders.exceptions import (
    ImageBuilderError,
    ImageFormatError,
    ImageNameError,
    RegistryError,
    RegistryNotFoundError,
)
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference
from imagebuilders.unchanged.build_key import KeyUnknownError

if TYPE_CHECKING:
    from imagebuilders.distribution.repository import Repository

LABEL = "imagebuilders.build-key"
"""The label under which an image carries its key."""


def resolve(registries: Registries, name: str) -> str:
    """Return the digest of the image that a name stands for now.

    Raises:
        KeyUnknownError: the registry does not tell.
    """
    try:
        reference = ImageReference.parse(name)
        repository = registries.repository(reference)
        return str(repository.resolve(reference.digest or reference.tag or DEFAULT_TAG).digest)
    except (ImageNameError, RegistryError) as error:
        raise KeyUnknownError(f"the base image {name} is not known: {error}") from error


def unchanged(
    registries: Registries, reference: ImageReference, key: str, platform: str | None
) -> str | None:
    """Return the digest of what an image's name stands for, if it has the key.

    Args:
        registries: who is asked.
        reference: the image, with its tag.
        key: the key that it must have.
        platform: that of the image, or several with commas between them.

    Returns:
        The digest of the manifest or index; `None` if there is none, or it has another key.

    Raises:
        RegistryError: the registry cannot be asked.
    """
    repository = registries.repository(reference)
    try:
        stored = repository.read_manifest(reference.tag or DEFAULT_TAG)
        image = _chosen(repository, stored.parse(), platform)
        if image is None or _key(repository, image) != key:
            return None
    except (RegistryNotFoundError, ImageFormatError):
        return None
    return str(stored.descriptor.digest)


def _chosen(
    repository: Repository, found: Manifest | Index, platform: str | None
) -> Manifest | None:
    """Return the manifest of one platform."""
    if isinstance(found, Manifest):
        return found
    wanted = (platform or f"linux/{system.machine()}").partition(",")[0]
    try:
        parsed = Platform.parse(wanted)
    except ImageBuilderError:
        return None
    return choose_image(repository, found, parsed)


def _key(repository: Repository, manifest: Manifest) -> str | None:
    """Return the key that an image carries."""
    content = read_config(repository, manifest)
    return ImageConfig.parse(content).config.labels.get(LABEL)
