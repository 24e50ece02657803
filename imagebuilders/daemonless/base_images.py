"""Base images where they are: in registries, or in image layouts of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import field
from typing import Protocol

from imagebuilders.daemonless.layout_images import LayoutImage
from imagebuilders.distribution import Repository, StoredManifest
from imagebuilders.distribution.registries import Registries
from imagebuilders.exceptions import ImageBuilderError, ImageFormatError, RegistryNotFoundError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES, ImageConfig
from imagebuilders.oci.manifest import Index, Manifest
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

LAYOUT_SCHEME = "oci-layout://"


class ImageSource(Protocol):
    """Where the manifests and blobs of an image can be read."""

    def read_manifest(self, reference: str | Digest) -> StoredManifest:
        """Return a manifest or an index; its digest is checked."""
        ...

    def open_blob(
        self, digest: Digest | str, *, size: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Read a blob piece by piece; it is checked at its end."""
        ...

    def open_blob_range(
        self, digest: Digest | str, start: int, length: int
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Read a part of a blob piece by piece."""
        ...

    def read_blob(
        self, digest: Digest | str, *, size: int | None = None, max_bytes: int = ...
    ) -> bytes:
        """Return a whole blob; its digest is checked."""
        ...


@dataclass(frozen=True)
class BaseImage:
    """An image for one platform.

    Attributes:
        reference: as the build names it.
        source: where its blobs are.
        digest: its manifest's digest.
        manifest: the manifest.
        config: the configuration.
        config_content: the exact bytes of the configuration.
        index_digest: the digest of what its name stands for: an index, or its manifest itself.
    """

    reference: str
    source: ImageSource = field(repr=False)
    digest: Digest
    manifest: Manifest = field(repr=False)
    config: ImageConfig = field(repr=False)
    config_content: bytes = field(repr=False)
    index_digest: Digest


class BaseImages:
    """Knows the images that a build begins with or takes files from; each is asked for once.

    It is an `imagebuilders.evaluation.Images`.
    """

    def __init__(self, registries: Registries) -> None:
        """Begin without an image.

        Args:
            registries: leads to the images.
        """
        self._registries = registries
        self._known: dict[tuple[str, str], BaseImage] = {}
        self._manifests: dict[str, tuple[ImageSource, StoredManifest]] = {}

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the JSON document of an image's configuration; raises as `image` does."""
        return self.image(reference, platform).config_content

    def image(self, reference: str, platform: Platform) -> BaseImage:
        """Return an image.

        Args:
            reference: with domain and tag or digest, or an image layout's address.
            platform: the one that is wanted of an image for several.

        Raises:
            ImageNameError: the reference is malformed.
            RegistryError: the registry cannot be asked.
            ImageFormatError: what it answers is malformed.
            ImageBuilderError: there is no such image, or none for the platform.
        """
        key = (reference, str(platform))
        if key not in self._known:
            self._known[key] = self._ask(reference, platform)
        return self._known[key]

    @property
    def used(self) -> tuple[BaseImage, ...]:
        """The images that were asked for so far."""
        return tuple(self._known.values())

    def _ask(self, reference: str, platform: Platform) -> BaseImage:
        source, named = self._named(reference)
        stored = named
        found = stored.parse()
        if isinstance(found, Index):
            entry = found.choose(platform)
            if entry is None:
                raise ImageBuilderError("no match for platform in manifest: not found")
            stored = source.read_manifest(entry.digest)
            found = stored.parse()
        if not isinstance(found, Manifest):
            raise ImageFormatError(f"{reference}: an index inside of an index is not read")
        content = source.read_blob(
            found.config.digest, size=found.config.size, max_bytes=MAX_CONFIG_BYTES
        )
        config = ImageConfig.parse(content)
        if len(config.diff_ids) != len(found.layers):
            raise ImageFormatError(
                f"{reference}: its manifest has {len(found.layers)} layers and its configuration "
                f"{len(config.diff_ids)}"
            )
        return BaseImage(
            reference,
            source,
            stored.descriptor.digest,
            found,
            config,
            content,
            named.descriptor.digest,
        )

    def _named(self, reference: str) -> tuple[ImageSource, StoredManifest]:
        """Return what an image's name stands for, and where it is."""
        if reference not in self._manifests:
            self._manifests[reference] = self._resolve(reference)
        return self._manifests[reference]

    def _resolve(self, reference: str) -> tuple[ImageSource, StoredManifest]:
        if reference.startswith(LAYOUT_SCHEME):
            blobs = LayoutImage.parse(reference.removeprefix(LAYOUT_SCHEME))
            return blobs, blobs.named_manifest()
        name = ImageReference.parse(reference)
        repository: Repository = self._registries.repository(name)
        try:
            return repository, repository.read_manifest(name.digest or name.tag or DEFAULT_TAG)
        except RegistryNotFoundError as error:
            raise ImageBuilderError(f"{reference}: not found") from error
