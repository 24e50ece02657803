"""What a build delivers: an image for one platform, or an index of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imagebuilders.daemonless.assembly import FinishedImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.manifest import Index
from imagebuilders.oci.media_types import OCI_INDEX


@dataclass(frozen=True)
class DeliveredImage:
    """What a name stands for in the end, and all that belongs to it.

    Attributes:
        content: the exact bytes of the manifest or index.
        descriptor: what it is called.
        images: the images, one for each platform.
        parts: the manifests that an index names, with what they are called.
        blobs: further blobs that these name.
    """

    content: bytes = field(repr=False)
    descriptor: Descriptor
    images: tuple[FinishedImage, ...]
    parts: tuple[tuple[bytes, Descriptor], ...] = ()
    blobs: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def image_id(self) -> str:
        """The digest of the configuration, or of the index where there are several."""
        if self.parts:
            return str(self.descriptor.digest)
        return str(self.images[0].config_descriptor.digest)

    @property
    def size(self) -> int:
        """Bytes of all, as they are stored."""
        return sum(image.size for image in self.images)


def single_image(image: FinishedImage) -> DeliveredImage:
    """Return an image for one platform as what is delivered."""
    return DeliveredImage(image.manifest, image.descriptor, (image,))


def index_of(images: Sequence[FinishedImage], annotations: Mapping[str, str]) -> DeliveredImage:
    """Return an index of images.

    Args:
        images: one for each platform.
        annotations: what the index says of itself.
    """
    content = Index(
        tuple(image.descriptor for image in images), OCI_INDEX, annotations=annotations
    ).to_bytes()
    parts = tuple((image.manifest, image.descriptor) for image in images)
    return DeliveredImage(content, Descriptor.of(content, OCI_INDEX), tuple(images), parts)
