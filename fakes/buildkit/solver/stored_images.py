"""The images of a build as containerd's store of an engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.oci.manifest import Manifest

from ...images.image import MACHINE, Image
from ...images.layers import Layer
from ...images.manifests import Content

if TYPE_CHECKING:
    from .outcome import BuiltImage, Outcome
    from .packing import PackedImage

_CONFIG = "config.digest"


def is_for_machine(outcome: Outcome) -> bool:
    """Return whether an image of a result is for the machine itself, which alone unpacks."""
    return any(MACHINE.runs(built.platform) for built in outcome.images)


def stored_image(packed: PackedImage, outcome: Outcome, *, is_unpacked: bool) -> Image:
    """Return what names of a result lead to: an image, or an index with all that it lists.

    Args:
        packed: the result as registries hold it.
        outcome: the result.
        is_unpacked: its layers shall lie unpacked in the store.
    """
    own = _first(outcome)
    built = outcome.images[own]
    if not packed.manifests:
        notes = {_CONFIG: packed.config_digest, **packed.descriptor.annotations}
        target = Content(packed.descriptor.media_type, packed.content, notes=notes)
        return _image(built, packed, target, is_unpacked=is_unpacked)
    contents = [Content(kind, content) for content, kind in packed.manifests.values()]
    image = _image(built, packed, contents.pop(own), is_unpacked=is_unpacked)
    image.index = Content(
        packed.descriptor.media_type, packed.content, notes=packed.descriptor.annotations
    )
    image.beside = tuple(contents)
    image.blobs = {
        str(each["digest"]): packed.blobs[each["digest"]]
        for content in contents
        for each in content.leads_to
    }
    return image


def _first(outcome: Outcome) -> int:
    """Return the place of the image that a name means where no platform is told."""
    for number, built in enumerate(outcome.images):
        if MACHINE.runs(built.platform):
            return number
    return 0


def _image(
    built: BuiltImage, packed: PackedImage, manifest: Content, *, is_unpacked: bool
) -> Image:
    described = Manifest.parse(manifest.data).layers
    layers = tuple(
        _with_blob(layer, packed.blobs[str(each.digest)])
        for layer, each in zip(built.image.layers, described, strict=True)
    )
    image = Image(
        built.image.document,
        layers,
        built.image.made_from,
        manifest=manifest,
        is_unpacked=is_unpacked and MACHINE.runs(built.platform),
    )
    image.remember_tree(built.image.tree)
    return image


def _with_blob(layer: Layer, blob: bytes) -> Layer:
    """Return a layer whose form in registries is a certain one."""
    if layer.compressed == blob:
        return layer
    made = Layer(layer.content)
    made.keep_blob(blob)
    return made
