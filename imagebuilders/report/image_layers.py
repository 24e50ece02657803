"""The layers of an image with their largest files."""

from __future__ import annotations

import heapq
import re
from functools import partial

from imagebuilders.inspection import PlatformDescription, StoredImage, describe, open_image
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.manifest import Manifest
from imagebuilders.report.model import ReportedFile, ReportedLayer

MAX_READ_BYTES = 512 * 1024 * 1024
"""Layers are looked into up to so many bytes of all together; each is read whole for that."""

_FILES = 5
_WITH_ARGUMENTS = re.compile(r"(?:RUN )?\|\d+ ")
_COMMAND = re.compile(r".* (/bin/(?:ba)?sh -\w+ .*)")
"""The last that looks like a shell's call: what stands before it may belong to a value."""


def image_layers(where: str) -> tuple[ReportedLayer, ...]:
    """Return the layers of an image, those of its first platform where it has several.

    Args:
        where: the image, spelled as for `imagebuilders inspect`.

    Raises:
        ImageBuilderError: there is none, or it cannot be read.
    """
    with open_image(where) as image:
        platform = describe(image).platforms[0]
        entries = _manifest(image, platform).layers
        is_read = sum(entry.size for entry in entries) <= MAX_READ_BYTES
        return tuple(
            ReportedLayer(
                layer.digest,
                layer.size,
                _instruction(layer.created_by),
                _largest(image, entry) if is_read else (),
            )
            for layer, entry in zip(platform.layers, entries, strict=True)
        )


def _instruction(created_by: str) -> str:
    """Return the instruction without the values of build arguments, which histories tell of RUN.

    As in `RUN |1 TOKEN=value /bin/sh -c make`: where a value ends is not marked.
    """
    text = " ".join(created_by.split())
    if _WITH_ARGUMENTS.match(text) is None:
        return text
    found = _COMMAND.search(text)
    return f"RUN {found[1]}" if found else "RUN"


def _manifest(image: StoredImage, platform: PlatformDescription) -> Manifest:
    found = image.parse()
    if isinstance(found, Manifest):
        return found
    entry = next(each for each in found.manifests if str(each.digest) == platform.digest)
    chosen = image.manifest(entry)
    assert isinstance(chosen, Manifest)  # it was described as an image
    return chosen


def _largest(image: StoredImage, layer: Descriptor) -> tuple[ReportedFile, ...]:
    contents = LayerContents(partial(image.blobs.open, layer))
    try:
        files = [
            (member.size, f"/{member.name}")
            for member in contents.members()
            if member.file.kind == "file" and not member.is_hard_link and member.size
        ]
    finally:
        contents.close()
    return tuple(ReportedFile(path, size) for size, path in heapq.nlargest(_FILES, files))
