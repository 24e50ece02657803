"""Pull: from registries, and the double's public hub, to the engine."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from typing import Protocol

from imagebuilders.exceptions import ImageFormatError, LayerFormatError
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Index, Manifest, parse_manifest
from imagebuilders.oci.media_types import CONFIG_TYPES
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ...images import tar
from ...images.image import Image
from ...images.layers import Layer, digest_of
from .. import messages
from ..errors import ApiError
from ..images.content_store import has_content
from ..images.unpacking import registered, told
from ..progress import ATTEMPTS, Message, progress, retrying, short
from ..versions import PASSES_REFUSALS_ON
from .access import RegistryAccess
from .content_pulling import HubSource, client, pull_content
from .credentials import Credentials
from .errors import RegistryError

_BUILDKIT = "moby/buildkit"

_IMAGE_CONFIGS = CONFIG_TYPES | {"application/octet-stream", ""}
_FALLING_BACK = (
    "⚠️ Failed to pull manifest by the resolved digest. This registry does not\n"
    "\tappear to conform to the distribution registry specification; falling back to\n"
    "\tpull by tag.  This fallback is DEPRECATED, and will be removed in a future\n"
    "\trelease.  Please contact admins of {}. ⚠️\n"
)


class Repository(Protocol):
    """What a pull needs of a registry."""

    @property
    def base(self) -> str:
        """The registry's address, for messages."""
        ...

    def tags(self) -> list[str]:
        """All tags."""
        ...

    def resolve(self, tag: str) -> str:
        """The digest behind a tag."""
        ...

    def manifest(self, name: str) -> tuple[bytes, str]:
        """A manifest's bytes and media type."""
        ...

    def blob(self, digest: str, begun: bytes = b"") -> Iterator[bytes]:
        """The pieces of a blob that follow on what is here already."""
        ...

    def vouches_for(self, digest: str) -> bool:
        """Whether what is behind a digest is taken as it is."""
        ...


def pull_failure(
    registries: RegistryAccess, reference: ImageReference, error: RegistryError
) -> ApiError:
    """The engine's words for a pull that failed."""
    first = error.message if error.wrapped else error.first
    if not error.not_found:
        return ApiError(
            error.status if registries.images.state.version.has(PASSES_REFUSALS_ON) else 500, first
        )
    name = reference.repository
    if error.code == "DENIED":
        words = (
            f"pull access denied for {name}, repository does not exist or may require "
            f"'docker login': {first}"
        )
    elif error.code == "NAME_UNKNOWN":
        words = f"repository {name} not found: {first}"
    else:
        words = f"manifest for {reference} not found: {first}"
    return ApiError(404, words)


def pull(
    registries: RegistryAccess,
    reference: ImageReference,
    credentials: Credentials,
    platform: Platform | None = None,
) -> Iterator[Message]:
    """Fetch a tag or a digest, all tags if none is named.

    Raises:
        ApiError: when it cannot be had.
    """
    if has_content(registries.images.state):
        yield from _pull_content(registries, reference, credentials, platform)
        return
    try:
        if registries.is_seeded(reference):
            _check_builder(registries, reference)
            repository = registries.hub.repository(reference)
            yield from _Pull(registries, repository, platform).all(reference)
            return
        with registries.client(reference, credentials, "pull") as client:
            client.ping()
            yield from _Pull(registries, client, platform).all(reference)
    except ImageFormatError as error:
        raise pull_failure(registries, reference, RegistryError(str(error))) from error
    except RegistryError as error:
        raise pull_failure(registries, reference, error) from error


def _pull_content(
    registries: RegistryAccess,
    reference: ImageReference,
    credentials: Credentials,
    platform: Platform | None,
) -> Iterator[Message]:
    try:
        if registries.is_seeded(reference):
            _check_builder(registries, reference)
            repository = registries.hub.repository(reference)
            source = HubSource(repository)
            yield from pull_content(registries, repository.tags, source, reference, platform)
            return
        with client(registries, reference, credentials, "pull") as registry:
            tags = partial(_tags, registries, reference, credentials)
            yield from pull_content(registries, tags, registry, reference, platform)
    except RegistryError as error:
        raise pull_failure(registries, reference, error) from error


def _tags(
    registries: RegistryAccess, reference: ImageReference, credentials: Credentials
) -> list[str]:
    """Every tag of a repository, which engines ask for in their own way in either store."""
    with registries.client(reference, credentials, "pull") as registry:
        registry.ping()
        return registry.tags()


def _check_builder(registries: RegistryAccess, reference: ImageReference) -> None:
    """Refuse the image by which buildx runs a BuildKit of its own in a container.

    Raises:
        ApiError: it was not seeded; the error says what does instead.
    """
    if reference.path == _BUILDKIT and _BUILDKIT not in registries.hub.paths():
        raise ApiError(
            501,
            "the engine double runs no BuildKit in a container, as a builder of buildx with the "
            "driver docker-container is. Build with the BuildKit of the engine itself "
            "(`docker buildx use default`, or --builder default).",
        )


class _Pull:
    """One pull, of any number of tags."""

    def __init__(
        self, registries: RegistryAccess, repository: Repository, platform: Platform | None
    ) -> None:
        self._registries = registries
        self._repository = repository
        self._platform = platform
        self._news = False

    def all(self, reference: ImageReference) -> Iterator[Message]:
        """Fetch what a name means."""
        if reference.tag or reference.digest:
            yield from self._one(reference)
        else:
            for tag in self._repository.tags():
                yield from self._one(ImageReference(reference.domain, reference.path, tag))
        self._registries.images.note_transfer("pull", reference)
        news = "Downloaded newer image for" if self._news else "Image is up to date for"
        yield {"status": f"Status: {news} {reference}"}
        if self._platform and self._registries.images.state.version >= "23.0":
            yield from self._check_platform(reference, self._platform)

    def _check_platform(self, reference: ImageReference, platform: Platform) -> Iterator[Message]:
        """Say that an image that is no index is for another platform than was asked for."""
        found = self._registries.images.find(str(reference)).parsed
        own = f"{found.get('os')}/{found.get('architecture')}"
        asked = f"{platform.os}/{platform.architecture}"
        if own == asked:
            return
        words = messages.OTHER_PLATFORM(
            self._registries.images.state.version, str(reference), own, asked
        )
        if self._registries.images.state.version >= "28.0":
            yield {"status": f"WARNING: {words}"}
        else:
            raise ApiError(404, words)

    def _one(self, reference: ImageReference) -> Iterator[Message]:
        registries = self._registries
        digest = reference.digest or self._repository.resolve(reference.tag or DEFAULT_TAG)
        document = parse_manifest(*(yield from self._manifest(digest, reference.tag)))
        wanted = f"{reference.full_repository}@{digest}" if reference.digest else reference.tag
        yield {"status": f"Pulling from {reference.path}", "id": wanted}
        nested = 0
        while isinstance(document, Index):
            if nested and registries.images.state.version < "23.0":
                raise RegistryError("unsupported manifest format")
            document = parse_manifest(*(yield from self._manifest(self._choose(document), None)))
            nested += 1
        if document.config.media_type not in _IMAGE_CONFIGS:
            raise RegistryError(f"unsupported media type {document.config.media_type}")
        image = registries.images.get(str(document.config.digest))
        if image is None:
            image = yield from self._image(reference, document)
        yield {"status": f"Digest: {digest}"}
        by_digest = reference.with_digest(digest)
        with registries.images.lock:
            image = registries.images.add(image)  # again, if somebody removed it since
            before = registries.images.id_of(reference)
            registries.images.add_digest(by_digest, image.id, moving=bool(reference.digest))
            if before == image.id:
                return
            self._news = True
            if not reference.digest:
                registries.images.tag(reference, image)

    # --- manifests ------------------------------------------------------------

    def _manifest(
        self, digest: str, tag: str | None
    ) -> Generator[Message, None, tuple[bytes, str]]:
        """A manifest under its digest; what was fetched once is not fetched again."""
        registries = self._registries
        known = registries.manifests.get(digest)
        if known is not None:
            return known
        try:
            body, kind = self._repository.manifest(digest)
        except RegistryError as error:
            if (
                not error.not_found
                or not tag
                or registries.images.state.version.has(PASSES_REFUSALS_ON)
            ):
                raise
            warning = _FALLING_BACK.format(self._repository.base)
            yield {"status": warning, "id": "WARNING"}
            body, kind = self._by_tag(tag)
        if digest_of(body) != digest and not self._repository.vouches_for(digest):
            raise RegistryError(f"manifest verification failed for digest {digest}")
        registries.manifests[digest] = (body, kind)
        return body, kind

    def _by_tag(self, tag: str) -> tuple[bytes, str]:
        try:
            return self._repository.manifest(tag)
        except RegistryError as error:
            text = f"error after falling back to get manifest by tag: {error.message}"
            raise RegistryError(text) from error

    def _choose(self, index: Index) -> str:
        platform = self._platform or Platform("linux", "amd64")
        if (found := index.choose(platform)) is not None:
            return str(found.digest)
        raise RegistryError(f"no matching manifest for {platform} in the manifest list entries")

    # --- configuration and layers ---------------------------------------------

    def _image(
        self, reference: ImageReference, document: Manifest
    ) -> Generator[Message, None, Image]:
        """The image, its layers fetched as far as they are not here."""
        blobs = [(str(layer.digest), layer.size) for layer in document.layers]
        layers = self._here([digest for digest, _ in blobs])
        for digest, _ in blobs[: len(layers)]:
            yield progress("Already exists", short(digest))
        for digest, _ in blobs[len(layers) :]:
            yield progress("Pulling fs layer", short(digest))
        config = self._configuration(str(document.config.digest))
        for digest, size in blobs[len(layers) :]:
            layer = yield from self._layer(digest, size)
            self._registries.layer_sources.add(layer.diff_id, digest, reference, None)
            layers.append(layer)
        expected = [str(diff_id) for diff_id in ImageConfig.parse(config).diff_ids]
        if [layer.diff_id for layer in layers] != expected:
            raise RegistryError("layers from manifest don't match image configuration")
        return Image(config, tuple(layers))

    def _here(self, digests: list[str]) -> list[Layer]:
        """The lowest layers, as far as some image has them one upon the other."""
        wanted = [self._registries.layer_sources.diff_id_of(digest) for digest in digests]
        best: tuple[Layer, ...] = ()
        for image in self._registries.images.all():
            count = 0
            for layer, diff_id in zip(image.layers, wanted, strict=False):
                if layer.diff_id != diff_id:
                    break
                count += 1
            if count > len(best):
                best = image.layers[:count]
        return list(best)

    def _configuration(self, digest: str) -> bytes:
        try:
            config = self._patiently(digest)
            if digest_of(config) == digest:
                return config
            raise RegistryError(f"image config verification failed for digest {digest}")
        except RegistryError as error:
            raise RegistryError(f"error pulling image configuration: {error.message}") from error

    def _patiently(self, digest: str) -> bytes:
        """A blob, tried without a word."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return b"".join(self._repository.blob(digest))
            except RegistryError as error:
                if not error.final and attempt < ATTEMPTS:
                    continue
                # The engine counts one more when it has tried as often as it may.
                count = attempt if error.final else attempt + 1
                text = f"download failed after attempts={count}: {error.first}"
                raise RegistryError(text) from error

    def _layer(self, digest: str, size: int) -> Generator[Message, None, Layer]:
        item = short(digest)
        data = yield from self._download(digest, item)
        yield progress("Downloading", item, len(data), size)
        yield progress("Verifying Checksum", item)
        if digest_of(data) != digest:
            raise RegistryError(f"filesystem layer verification failed for digest {digest}")
        yield progress("Download complete", item)
        yield progress("Extracting", item, size, size)
        state = self._registries.images.state
        try:
            layer = registered(data, state.version, state.clock())
        except (tar.TarError, LayerFormatError) as error:
            words = told(error, state.version)
            raise RegistryError(f"failed to register layer: {words}") from error
        yield progress("Pull complete", item)
        return layer

    def _download(self, digest: str, item: str) -> Generator[Message, None, bytes]:
        """A blob; what came before a connection broke is kept, and the rest asked for."""
        data = bytearray()
        # Older engines count the tries that come after the first.
        attempts = ATTEMPTS if self._registries.images.state.version >= "23.0" else ATTEMPTS + 1
        for attempt in range(1, attempts + 1):
            try:
                for piece in self._repository.blob(digest, bytes(data)):
                    data += piece
                break
            except RegistryError as error:
                if error.final or attempt == attempts:
                    raise error.as_told() from error
            yield from retrying(item, attempt)
        return bytes(data)
