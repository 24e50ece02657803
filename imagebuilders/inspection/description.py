"""An image in values to look at: platforms, layers with what made them, attestations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.inspection.stored_image import (
    ATTESTATION_SUBJECT,
    StoredImage,
    is_attestation,
)
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.image_config import (
    MAX_CONFIG_BYTES,
    ContainerConfig,
    HistoryEntry,
    ImageConfig,
)
from imagebuilders.oci.manifest import Manifest

_PREDICATE = "in-toto.io/predicate-type"


@dataclass(frozen=True)
class LayerDescription:
    """One layer.

    Attributes:
        digest: of the layer as it is kept; of an engine's, of the layer unpacked.
        size: bytes, as it is kept; `None` where an engine does not tell.
        created_by: the instruction that made it; empty when the history does not say.
    """

    digest: str
    size: int | None
    created_by: str = ""


@dataclass(frozen=True)
class PlatformDescription:
    """The image for one platform.

    Attributes:
        platform: as in `linux/arm64/v8`.
        digest: of its manifest; empty where an engine does not tell.
        config_digest: of its configuration, which is the image's ID with many engines; empty where
            an engine does not tell it.
        size: the bytes of all its layers.
        created: when it was made (RFC 3339); may be empty.
        layers: the lowest first.
        config: what its containers run with.
    """

    platform: str
    digest: str
    config_digest: str
    size: int
    created: str
    layers: tuple[LayerDescription, ...]
    config: ContainerConfig


@dataclass(frozen=True)
class Attestation:
    """What an index says about one of its images.

    Attributes:
        digest: of the attestation's manifest.
        subject: the digest of the manifest that it is about.
        predicate_types: what it says, as in `https://slsa.dev/provenance/v1`.
    """

    digest: str
    subject: str
    predicate_types: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageDescription:
    """An image.

    Attributes:
        name: what the user calls it.
        place: where it was found.
        digest: what the name stands for: a manifest or an index.
        media_type: of that.
        platforms: its images, in the index's order.
        attestations: what is said about them.
        annotations: notes of the index or manifest.
        names: by which names its engine knows it.
    """

    name: str
    place: str
    digest: str
    media_type: str
    platforms: tuple[PlatformDescription, ...]
    attestations: tuple[Attestation, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    names: tuple[str, ...] = ()


def describe(image: StoredImage) -> ImageDescription:
    """Return the description of an image; of its layers nothing is read.

    Args:
        image: the image.

    Raises:
        ImageFormatError: a document is malformed.
        ImageBuilderError: one cannot be read.
    """
    found = image.parse()
    if isinstance(found, Manifest):
        platforms: list[PlatformDescription] = [_platform(image, image.root, found)]
        attestations: list[Attestation] = []
    else:
        platforms = list(_platforms(image, found.manifests))
        attestations = [
            _attestation(image, entry) for entry in found.manifests if is_attestation(entry)
        ]
    return ImageDescription(
        name=image.name,
        place=image.place,
        digest=str(image.root.digest),
        media_type=found.media_type,
        platforms=tuple(platforms),
        attestations=tuple(attestations),
        annotations=found.annotations,
    )


def _platforms(image: StoredImage, entries: Sequence[Descriptor]) -> Iterator[PlatformDescription]:
    for entry in entries:
        if is_attestation(entry):
            continue
        manifest = image.manifest(entry)
        if not isinstance(manifest, Manifest):
            raise ImageFormatError(f"{image.name} has an index inside of an index.")
        yield _platform(image, entry, manifest)


def _platform(
    image: StoredImage, descriptor: Descriptor, manifest: Manifest
) -> PlatformDescription:
    content = image.blobs.read(manifest.config, max_bytes=MAX_CONFIG_BYTES)
    config = ImageConfig.parse(content)
    made_by = instructions(config.history, len(manifest.layers))
    return PlatformDescription(
        platform=str(config.platform),
        digest=str(descriptor.digest),
        config_digest=str(manifest.config.digest),
        size=sum(layer.size for layer in manifest.layers),
        created=config.created,
        layers=tuple(
            LayerDescription(str(layer.digest), layer.size, instruction)
            for layer, instruction in zip(manifest.layers, made_by, strict=True)
        ),
        config=config.config,
    )


def instructions(history: Sequence[HistoryEntry], layers: int) -> list[str]:
    """Return the instruction that made each layer; empty texts where the history does not fit.

    Args:
        history: how the image was made, the first step first.
        layers: how many layers there are.
    """
    found = [entry.created_by for entry in history if not entry.empty_layer]
    return found if len(found) == layers else [""] * layers


def _attestation(image: StoredImage, entry: Descriptor) -> Attestation:
    manifest = image.manifest(entry)
    layers = manifest.layers if isinstance(manifest, Manifest) else ()
    return Attestation(
        digest=str(entry.digest),
        subject=entry.annotations.get(ATTESTATION_SUBJECT, ""),
        predicate_types=tuple(
            layer.annotations[_PREDICATE] for layer in layers if _PREDICATE in layer.annotations
        ),
    )
