"""Push from containerd's store: what a name leads to, as it is."""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import DEFAULT_TAG, ImageReference

from ...images.image import Image
from .. import messages
from ..errors import ApiError
from ..progress import Message, progress, short
from .access import RegistryAccess
from .content_client import ContentClient
from .content_pulling import client
from .credentials import Credentials

_KNOWN, _KNOWN_LAYER = "Already exists", "Layer already exists"


def push_content(
    registries: RegistryAccess,
    reference: ImageReference,
    credentials: Credentials,
    platform: Platform | None,
) -> Iterator[Message]:
    """Send a tag to its registry, all tags if none is named.

    Args:
        registries: where it goes to.
        reference: what is sent.
        credentials: what the client sent along.
        platform: the image for it alone, of an index.

    Raises:
        ApiError: it failed. The first message has been yielded then.
    """
    yield {"status": f"The push refers to repository [{reference.full_repository}]"}
    images = registries.images
    with images.lock:
        # What is sent is what they mean now, whatever becomes of them meanwhile.
        mine = [
            (name, images.find(str(name)))
            for name in map(ImageReference.parse, sorted(images.references()))
            if name.full_repository == reference.full_repository
        ]
    if reference.tag is None and reference.digest is None:
        if not mine:
            name = reference.repository
            raise ApiError(404, f"An image does not exist locally with the tag: {name}")
        wanted = mine
    else:
        same = (reference.tag, reference.digest)
        wanted = [(name, image) for name, image in mine if (name.tag, name.digest) == same]
        if not wanted:
            raise ApiError(404, f"tag does not exist: {reference}")
    if platform is not None:
        wanted = [(name, _for(image, name, platform)) for name, image in wanted]
    with client(registries, reference, credentials, "push,pull") as registry:
        for each, image in wanted:
            yield from _Push(registries, registry, each, image).run()


def _for(image: Image, name: ImageReference, platform: Platform) -> Image:
    """The image of an index for a platform, without the index.

    Raises:
        ApiError: 404, there is none.
    """
    found = image.for_platform(platform)
    if found is None:
        raise ApiError(404, messages.NO_SUCH_PLATFORM.format(name, platform))
    return found.alone()


class _Push:
    """One push of one name."""

    def __init__(
        self,
        registries: RegistryAccess,
        registry: ContentClient,
        name: ImageReference,
        image: Image,
    ) -> None:
        self._registries = registries
        self._registry = registry
        self._name = name
        self._image = image

    def run(self) -> Iterator[Message]:
        """Send the layers, the configuration, the manifest, and the index."""
        image = self._image
        described = list(zip(image.own_manifest.layers, image.layers, strict=False))
        once = {each["digest"]: layer for each, layer in described}
        # What is attested of an image comes in layers, too.
        others = {
            each["digest"]: _KNOWN_LAYER if manifest.is_image else _KNOWN
            for manifest in image.beside
            for each in manifest.layers
            if each["digest"] not in once
        }
        for digest in (*once, *others):
            yield progress("Waiting", short(digest))
        yield from self._blob(image.config_digest, image.document)
        for digest, layer in once.items():
            yield from self._blob(digest, layer.compressed, known=_KNOWN_LAYER)
            self._registries.layer_sources.add(layer.diff_id, digest, self._name, None)
        for digest, data in image.blobs.items():
            yield from self._blob(digest, data, known=others.get(digest, ""))
        self._manifests()
        target = image.target
        if self._name.tag:
            size = len(target.data)
            yield {"status": f"{self._name.tag}: digest: {target.digest} size: {size}"}
        images = self._registries.images
        if (kept := images.get(image.target.digest)) is not None:
            kept.note_source(self._name)
        images.note_transfer("push", self._name)

    def _manifests(self) -> None:
        """Send the manifests by their digests, and what the name leads to by that."""
        image, registry = self._image, self._registry
        target = image.target
        for content in (image.own_manifest, *image.beside):
            if content is target or registry.has(f"manifests/{content.digest}"):
                continue
            registry.put_manifest(content.digest, content)
        name = target.digest if self._name.digest else self._name.tag or DEFAULT_TAG
        if not registry.has_manifest(name, target.digest):
            registry.put_manifest(name, target)

    def _blob(self, digest: str, data: bytes, *, known: str = "") -> Iterator[Message]:
        """Send a blob; where words are given for one that is there, it is told of."""
        item, shown = short(digest), bool(known)
        if self._registry.has(f"blobs/{digest}"):
            if shown:
                yield progress(known, item)
            return
        source = self._other(digest)
        location = self._registry.begin_upload(digest, source)
        if not location:
            if shown:
                yield progress(f"Mounted from {source}", item)
            return
        if shown:
            yield progress("Pushing", item, len(data), len(data))
        self._registry.upload(location, digest, data)
        if shown:
            yield progress("Pushed", item)

    def _other(self, digest: str) -> str:
        """Another repository of the registry that has a layer, empty for none."""
        sources = self._registries.layer_sources
        for source in sources.having(digest):
            if source.domain == self._name.domain and not source.is_in(self._name):
                return source.path
        return ""
