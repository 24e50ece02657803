"""Pull into containerd's store: indexes and manifests as they are, then what they lead to."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.media_types import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    INDEX_TYPES,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
)
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ...images import tar
from ...images.image import Image
from ...images.layers import Layer, digest_of
from ...images.manifests import Content
from ..errors import ApiError
from ..images.unpacking import registered, told
from ..progress import Message, progress, short
from .access import RegistryAccess
from .content_client import ContentClient, Described, full_name
from .credentials import Credentials
from .errors import RegistryError
from .hub import HubRepository

_LAYERS = frozenset(
    {
        *(DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD),
        *(OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD),
    }
)


class Source(Protocol):
    """Where a pull comes from."""

    def resolve(self, reference: ImageReference) -> tuple[str, str]:
        """The digest behind a name, and the type of what is there."""
        ...

    def manifest(self, digest: str) -> Content:
        """A manifest or an index."""
        ...

    def blob(self, described: Described) -> bytes:
        """A blob."""
        ...


class HubSource:
    """The public hub as a test seeded it."""

    def __init__(self, repository: HubRepository) -> None:
        self._repository = repository

    def resolve(self, reference: ImageReference) -> tuple[str, str]:
        """The digest behind a name, and the type of what is there.

        Raises:
            ApiError: it was not seeded.
        """
        try:
            digest = reference.digest or self._repository.resolve(reference.tag or DEFAULT_TAG)
            return digest, self._repository.manifest(digest)[1]
        except RegistryError as error:
            name = full_name(reference)
            text = f'failed to resolve reference "{name}": {name}: not found'
            raise ApiError(404, text) from error

    def manifest(self, digest: str) -> Content:
        """A manifest."""
        data, kind = self._repository.manifest(digest)
        return Content(kind, data, digest)

    def blob(self, described: Described) -> bytes:
        """A blob."""
        return b"".join(self._repository.blob(str(described["digest"])))


def pull_content(
    registries: RegistryAccess,
    tags: Callable[[], list[str]],
    source: Source,
    reference: ImageReference,
    platform: Platform | None,
) -> Iterator[Message]:
    """Fetch a tag or a digest, all tags if none is named.

    Raises:
        ApiError: it cannot be had.
    """
    if reference.tag or reference.digest:
        yield from _Pull(registries, source, platform).one(reference)
        return
    for tag in tags():
        name = ImageReference(reference.domain, reference.path, tag)
        try:
            yield from _Pull(registries, source, platform).one(name)
        except ApiError as error:
            shown = f"error pulling {full_name(name)}: {error.message}"
            raise ApiError(error.status, shown) from error


def client(
    registries: RegistryAccess, reference: ImageReference, credentials: Credentials, actions: str
) -> ContentClient:
    """Return a client of the repository that a name means.

    Raises:
        ApiError: its registry is out of reach.
    """
    try:
        address = registries.address(reference.domain)
    except RegistryError as error:
        raise ApiError(500, error.message) from error
    version = registries.images.state.version
    return ContentClient(reference, credentials, actions, address, version)


class _Pull:
    """One pull of one name."""

    def __init__(
        self, registries: RegistryAccess, source: Source, platform: Platform | None
    ) -> None:
        self._registries = registries
        self._images = registries.images
        self._source = source
        self._platform = platform

    def one(self, reference: ImageReference) -> Iterator[Message]:
        """Fetch what a name means."""
        digest, kind = self._source.resolve(reference)
        index = self._content(digest) if kind in INDEX_TYPES else None
        chosen = digest if index is None else self._choose(index)
        wanted = str(reference) if reference.digest else reference.tag
        yield {"status": f"Pulling from {reference.path}", "id": wanted}
        manifest = self._content(chosen)
        image = self._images.get(digest)
        if image is None or image.own_manifest.digest != manifest.digest:
            image = self._same(manifest) or (yield from self._image(reference, manifest))
            if index is not None or image.index is not None:
                image = Image(image.document, image.layers, manifest=manifest, index=index)
        yield {"status": f"Digest: {digest}"}
        with self._images.lock:
            before = self._images.id_of(reference)
            kept = self._images.put(image)
            kept.note_source(reference)
            self._images.tag(reference, kept)
        self._images.note_transfer("pull", reference)
        news = "Image is up to date for" if before == digest else "Downloaded newer image for"
        yield {"status": f"Status: {news} {reference}"}

    # --- manifests ------------------------------------------------------------

    def _content(self, digest: str) -> Content:
        """An index or a manifest; what was fetched once is not fetched again."""
        known = self._registries.manifests.get(digest)
        if known is not None:
            return Content(known[1], known[0], digest)
        content = self._source.manifest(digest)
        self._registries.manifests[digest] = (content.data, content.media_type)
        return Content(content.media_type, content.data, digest)

    def _choose(self, index: Content) -> str:
        """The digest of the manifest for the platform that is wanted."""
        wanted = self._platform or Platform("linux", "amd64")
        for entry in index.parsed.get("manifests") or []:
            if entry["mediaType"] in INDEX_TYPES:
                return self._choose(self._content(str(entry["digest"])))
            found = entry.get("platform") or {}
            same = (found.get("os"), found.get("architecture")) == (wanted.os, wanted.architecture)
            if same and wanted.variant in ("", None, found.get("variant")):
                return str(entry["digest"])
        shown = str(wanted)
        if self._platform is None and self._images.state.version >= "29.0":
            shown += "/v4"  # the processor, as the engine finds it
        raise ApiError(
            404,
            f"no matching manifest for {shown} in the manifest list entries: no match for "
            "platform in manifest: not found",
        )

    def _same(self, manifest: Content) -> Image | None:
        """An image here that has the manifest, under whatever name."""
        return next(
            (one for one in self._images.all() if one.own_manifest.digest == manifest.digest), None
        )

    # --- configuration and layers ---------------------------------------------

    def _image(
        self, reference: ImageReference, manifest: Content
    ) -> Generator[Message, None, Image]:
        """The image, its layers fetched as far as they are not here."""
        described: list[dict[str, Any]] = manifest.parsed.get("layers") or []
        shown = [each for each in described if each["mediaType"] in _LAYERS]
        for each in shown:
            if self._images.layer_of_blob(each["digest"]) is None:
                yield progress("Pulling fs layer", short(each["digest"]))
        config = self._blob(manifest.parsed["config"], "config")
        try:
            expected = (json.loads(config).get("rootfs") or {}).get("diff_ids") or []
        except (ValueError, AttributeError):
            expected = []
        if len(expected) != len(described):
            raise ApiError(
                500,
                "failed to unpack image on snapshotter overlayfs: mismatched image rootfs and "
                "manifest layers",
            )
        layers = []
        for each, diff_id in zip(described, expected, strict=True):
            layers.append((yield from self._layer(each, diff_id)))
            self._registries.layer_sources.add(diff_id, each["digest"], reference, None)
        return Image(config, tuple(layers), manifest=manifest)

    def _blob(self, described: Described, kind: str) -> bytes:
        data = self._source.blob(described)
        digest = described["digest"]
        if (found := digest_of(data)) != digest:
            raise ApiError(
                500,
                f'failed commit on ref "{kind}-{digest}": commit failed: unexpected commit digest '
                f"{found}, expected {digest}: failed precondition",
            )
        return data

    def _layer(self, described: Described, diff_id: str) -> Generator[Message, None, Layer]:
        digest, size = str(described["digest"]), int(described["size"])
        item = short(digest)
        if (known := self._images.layer_of_blob(digest)) is not None:
            return known
        data = self._blob(described, "layer")
        yield progress("Downloading", item, len(data), size)
        yield {**progress("Download complete", item), "progressDetail": {"hidecounts": True}}
        state = self._images.state
        try:
            layer = registered(data, state.version, state.clock())
        except (tar.TarError, LayerFormatError) as error:
            words = told(error, state.version)
            raise ApiError(500, f"failed to extract layer {digest}: {words}") from error
        if layer.diff_id != diff_id:
            words = f'calculated on extraction "{layer.diff_id}"'
            if state.version >= "29.0":
                found = f'"{layer.diff_id}" calculated on extraction "{diff_id}"'
                raise ApiError(500, f'wrong diff id {found}, desc "{digest}"')
            raise ApiError(500, f"wrong diff id {words}")
        layer.keep_blob(data)
        yield {**progress("Pull complete", item), "progressDetail": {"hidecounts": True}}
        return layer
