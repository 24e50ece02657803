"""Push: from the engine to a registry."""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.media_types import DOCKER_MANIFEST
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ...images.image import Image
from ...images.layers import Layer, digest_of
from ..errors import ApiError
from ..images.content_store import has_content
from ..progress import ATTEMPTS, Message, progress, retrying, short
from .access import RegistryAccess
from .client import RegistryClient, layer_blob
from .content_pushing import push_content
from .credentials import Credentials
from .errors import RegistryError
from .layer_sources import Source
from .manifest import manifest_of

_PIECE = 32 * 1024


def push(
    registries: RegistryAccess,
    reference: ImageReference,
    credentials: Credentials,
    platform: Platform | None = None,
) -> Iterator[Message]:
    """Send a tag to its registry, all tags if none is named; a failure is the last message.

    Args:
        registries: where it goes to.
        reference: what is sent.
        credentials: what the client sent along.
        platform: the image for it alone, of an index.

    Raises:
        ApiError: it failed. The first message has been yielded then.
    """
    if has_content(registries.images.state):
        yield from push_content(registries, reference, credentials, platform)
        return
    yield {"status": f"The push refers to repository [{reference.full_repository}]"}
    if reference.digest:
        raise ApiError(500, "cannot push a digest reference")
    with registries.images.lock:
        names = [
            ImageReference.parse(key)
            for key in sorted(registries.images.references())
            if "@" not in key
        ]
        # What is sent is what they mean now, whatever becomes of them meanwhile.
        mine = [
            (name, registries.images.find(str(name)))
            for name in names
            if name.full_repository == reference.full_repository
        ]
    if not mine:
        raise ApiError(404, f"An image does not exist locally with the tag: {reference.repository}")
    try:
        with registries.client(reference, credentials, "push,pull") as client:
            client.ping()
            wanted = [(name, image) for name, image in mine if reference.tag in (None, name.tag)]
            if not wanted:
                raise ApiError(404, f"tag does not exist: {reference}")
            sender = _Push(registries, client, reference, credentials)
            for name, image in wanted:
                yield from sender.tag(name, image)
    except RegistryError as error:
        raise ApiError(error.status, error.message) from error


class _Push:
    """One push, of any number of tags."""

    def __init__(
        self,
        registries: RegistryAccess,
        client: RegistryClient,
        reference: ImageReference,
        credentials: Credentials,
    ) -> None:
        self._registries = registries
        self._client = client
        self._reference = reference
        self._credentials = credentials
        # What the registry is known to have, by layer.
        self._there: dict[str, Descriptor] = {}

    def tag(self, name: ImageReference, image: Image) -> Iterator[Message]:
        """Send one tag."""
        registries = self._registries
        for layer in reversed(image.layers):
            yield progress("Preparing", short(layer.diff_id))
        # What is there twice is sent once.
        once = {layer.diff_id: layer for layer in reversed(image.layers)}
        for layer in once.values():
            yield from self._layer(layer)
        if self._client.find_blob(image.config_digest) is None:
            location = self._client.begin_upload()
            self._client.upload(location or "", image.config_digest, image.document)
        body = manifest_of(image, [self._there[layer.diff_id] for layer in image.layers])
        self._client.put_manifest(name.tag or DEFAULT_TAG, body, DOCKER_MANIFEST)
        digest = digest_of(body)
        yield {"status": f"{name.tag}: digest: {digest} size: {len(body)}"}
        registries.images.add_digest(name.with_digest(digest), image.id)
        registries.images.note_transfer("push", name)
        yield {
            "progressDetail": {},
            "aux": {"Tag": name.tag, "Digest": digest, "Size": len(body)},
        }

    def _layer(self, layer: Layer) -> Iterator[Message]:
        item = short(layer.diff_id)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                yield from self._try_layer(layer, item)
                return
            except RegistryError as error:
                if error.final or attempt == ATTEMPTS:
                    raise ApiError(error.status, error.first) from error
            yield from retrying(item, attempt)

    def _try_layer(self, layer: Layer, item: str) -> Iterator[Message]:
        if layer.diff_id in self._there:
            yield progress("Layer already exists", item)
            return
        asked: set[str] = set()
        found = self._look(layer, asked, own=False)
        if found is not None:
            yield progress("Layer already exists", item)
            self._keep(layer, found)
            return
        location = ""
        for source in self._others(layer):
            try:
                location = self._client.begin_upload(source.digest, source.path) or ""
            except RegistryError:
                self._registries.layer_sources.forget(layer.diff_id, source)
                continue
            if not location:
                yield progress(f"Mounted from {source.path}", item)
                blob = self._client.find_blob(source.digest)
                self._keep(layer, blob or layer_blob(source.digest, 0))
                return
            self._registries.layer_sources.forget(layer.diff_id, source)
        if not asked and (found := self._look(layer, asked, own=True)):
            yield progress("Layer already exists", item)
            self._keep(layer, found)
            return
        location = location or self._client.begin_upload() or ""
        # The whole is the bytes of the files, what is sent the archive around them.
        for sent in (*range(_PIECE, len(layer.content), _PIECE), len(layer.content)):
            yield progress("Pushing", item, sent, layer.size)
        self._client.upload(location, layer.blob_digest, layer.compressed)
        yield progress("Pushed", item)
        self._keep(layer, layer_blob(layer.blob_digest, len(layer.compressed)))

    def _look(self, layer: Layer, asked: set[str], *, own: bool) -> Descriptor | None:
        """The layer in this repository, under the likeliest digest that is known."""
        sources = self._registries.layer_sources
        for source in sources.likely(layer.diff_id, self._reference, self._credentials):
            mine = source.is_in(self._reference)
            if (own and not mine) or source.digest in asked:
                continue
            asked.add(source.digest)
            try:
                found = self._client.find_blob(source.digest)
            except RegistryError:
                return None
            if found is None and mine:
                sources.forget(layer.diff_id, source)
            return found
        return None

    def _others(self, layer: Layer) -> list[Source]:
        """The other repository of the registry from which to mount a layer, if there is one."""
        known = self._registries.layer_sources.likely(
            layer.diff_id, self._reference, self._credentials
        )
        return [
            source
            for source in known
            if source.domain == self._reference.domain and not source.is_in(self._reference)
        ][:1]

    def _keep(self, layer: Layer, blob: Descriptor) -> None:
        self._there[layer.diff_id] = blob
        self._registries.layer_sources.add(
            layer.diff_id, str(blob.digest), self._reference, self._credentials
        )
