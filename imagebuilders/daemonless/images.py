"""What a build delivers: an image for one platform, or an index of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from imagebuilders.daemonless.annotations import Annotations
from imagebuilders.daemonless.assembly import FinishedImage
from imagebuilders.daemonless.attestations import AttestationManifest
from imagebuilders.lazy_dataclass import dataclass
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


def index_of(
    images: Sequence[FinishedImage],
    attestations: Sequence[AttestationManifest],
    annotations: Annotations,
) -> DeliveredImage:
    """Return an index of images.

    Args:
        images: one for each platform.
        attestations: one for each image, or none.
        annotations: what the index, and a layout about it, say beside that.
    """
    content = Index(
        (
            *(image.descriptor for image in images),
            *(attestation.descriptor for attestation in attestations),
        ),
        OCI_INDEX,
        annotations=annotations.of_index(),
    ).to_bytes()
    return DeliveredImage(
        content,
        replace(Descriptor.of(content, OCI_INDEX), annotations=annotations.of_index_descriptor()),
        tuple(images),
        (
            *((image.manifest, image.descriptor) for image in images),
            *((each.content, each.descriptor) for each in attestations),
        ),
        tuple(blob for each in attestations for blob in each.blobs),
    )
