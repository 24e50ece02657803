"""From evaluated stages to an image's configuration and manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from datetime import datetime, timezone

from imagebuilders.daemonless.annotations import Annotations
from imagebuilders.daemonless.base_images import BaseImage, BaseImages
from imagebuilders.daemonless.new_layers import LayerNames, NewLayer, NewLayers
from imagebuilders.evaluation.execution import Executor
from imagebuilders.evaluation.exporting import exported_image
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.results import StageResult
from imagebuilders.evaluation.steps import ImageOrigin, Stage, StageOrigin
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.media_types import (
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_LAYER_ZSTD,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
)
from imagebuilders.oci.platform import Platform

_OCI_TYPES = {
    DOCKER_LAYER: OCI_LAYER,
    DOCKER_LAYER_GZIP: OCI_LAYER_GZIP,
    DOCKER_LAYER_ZSTD: OCI_LAYER_ZSTD,
    "application/vnd.docker.image.rootfs.foreign.diff.tar": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar"
    ),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}


@dataclass(frozen=True)
class EvaluatedImage:
    """An image for one platform, as far as it is known before its layers have names.

    Attributes:
        platform: what it runs on.
        image: its configuration; `diff_ids` are those of the base alone.
        base: what its lowest layers are of; `None` if all are new.
        layers: its own layers, above those of the base.
        created: the time of what was made, in seconds since 1970.
    """

    platform: Platform
    image: ImageConfig = field(repr=False)
    base: BaseImage | None
    layers: Sequence[NewLayer]
    created: int


@dataclass(frozen=True)
class FinishedImage:
    """An image for one platform, complete.

    Attributes:
        evaluated: what it was made of.
        config: the configuration's exact bytes.
        config_descriptor: what it is called.
        manifest: the manifest's exact bytes.
        descriptor: what that is called.
    """

    evaluated: EvaluatedImage
    config: bytes = field(repr=False)
    config_descriptor: Descriptor
    manifest: bytes = field(repr=False)
    descriptor: Descriptor

    @property
    def size(self) -> int:
        """Bytes of the manifest, the configuration and all layers, as they are stored."""
        layers = Manifest.parse(self.manifest).layers
        return len(self.manifest) + len(self.config) + sum(layer.size for layer in layers)


def evaluate(
    resolution: Resolution,
    executor: Executor,
    images: BaseImages,
    new_layers: NewLayers,
    created: int,
    *,
    told: Callable[[StageResult], None] = lambda _: None,
) -> EvaluatedImage:
    """Execute what the target of a Dockerfile needs.

    Args:
        resolution: the Dockerfile, resolved for one platform.
        executor: executes its stages.
        images: knows the bases.
        new_layers: makes layers.
        created: the time of what is made, in seconds since 1970.
        told: is told of each stage when it was executed.

    Raises:
        EvaluationError: a step fails.
        ImageBuilderError: something cannot be read.
    """
    image = exported_image(resolution.target_stage.image)
    for stage in resolution.stages:
        if stage.needed:
            told(executor.stage(stage.index))
    chain = _chain(resolution)
    base = chain[0].base
    layers = [
        new_layers.layer(made) for each in chain for made in executor.stage(each.index).layers
    ]
    return EvaluatedImage(
        platform=resolution.platform,
        image=image,
        base=images.image(base.reference, base.platform) if isinstance(base, ImageOrigin) else None,
        layers=tuple(layers),
        created=created,
    )


def _chain(resolution: Resolution) -> list[Stage]:
    """Return the stages that the target is built upon, the lowest first, and the target."""
    stages = [resolution.target_stage]
    while isinstance(base := stages[0].base, StageOrigin):
        stages.insert(0, resolution.stages[base.index])
    return stages


def finish(
    evaluated: EvaluatedImage, names: Sequence[LayerNames], annotations: Annotations
) -> FinishedImage:
    """Return an image whose layers have names.

    Args:
        evaluated: the image.
        names: those of its own layers, in order.
        annotations: what its manifest, and the index about it, say beside that.
    """
    created = timestamp(evaluated.created)
    image = evaluated.image
    own = 0 if evaluated.base is None else len(evaluated.base.config.history)
    history = [
        entry if position < own or entry.created else replace(entry, created=created)
        for position, entry in enumerate(image.history)
    ]
    base_layers = () if evaluated.base is None else evaluated.base.manifest.layers
    layers = (*map(oci_layer, base_layers), *(name.descriptor for name in names))
    config = replace(
        image,
        diff_ids=(*image.diff_ids, *(name.diff_id for name in names)),
        history=tuple(history),
        created=created,
    ).to_bytes()
    config_descriptor = Descriptor.of(config, OCI_CONFIG)
    platform = evaluated.platform.normalized()
    manifest = Manifest(
        config_descriptor, layers, OCI_MANIFEST, annotations=annotations.of_manifest(platform)
    ).to_bytes()
    descriptor = replace(
        Descriptor.of(manifest, OCI_MANIFEST),
        annotations=annotations.of_manifest_descriptor(platform),
        platform=platform,
    )
    return FinishedImage(evaluated, config, config_descriptor, manifest, descriptor)


def oci_layer(layer: Descriptor) -> Descriptor:
    """Return a base's layer as a manifest of OCI's has it."""
    media_type = _OCI_TYPES.get(layer.media_type, layer.media_type)
    return Descriptor(
        media_type, layer.digest, layer.size, urls=layer.urls, annotations=layer.annotations
    )


def timestamp(seconds: int) -> str:
    """Return a time as RFC 3339 has it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
