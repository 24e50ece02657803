"""What differs between two images: files, and what containers run with."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.file_tree import File, Tree
from imagebuilders.oci.image_config import MAX_CONFIG_BYTES, ImageConfig
from imagebuilders.oci.layer import apply_layer
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.platform import Platform

MAX_TEXT_BYTES = 256 * 1024
"""Larger files are not compared line by line."""
MAX_TEXT_LINES = 200
"""The most lines that are told of one file."""


class Change(str, enum.Enum):
    """What happened to a file from the first image to the second."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class FileDifference:
    """A file, folder or link that differs.

    Attributes:
        path: its path, with a leading slash.
        change: what happened to it.
        aspects: what of it changed: `type`, `content`, `mode`, `owner`, `target`, `attributes`.
        size: its bytes in the first and in the second image; `None` where it is not there.
        text: the changed lines, as in a unified diff; only of text files, and where asked for.
    """

    path: str
    change: Change
    aspects: tuple[str, ...] = ()
    size: tuple[int | None, int | None] = (None, None)
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigDifference:
    """A field of the configuration that differs.

    Attributes:
        key: as the image specification names it, as in `Env` or `Entrypoint`.
        first: its value in the first image; `None` where it has none.
        second: its value in the second image.
    """

    key: str
    first: object
    second: object


@dataclass(frozen=True)
class ImageDifference:
    """What differs between two images.

    Attributes:
        files: by path.
        config: by field.
        same_layers: how many layers both begin with; their files were not read.
    """

    files: tuple[FileDifference, ...]
    config: tuple[ConfigDifference, ...]
    same_layers: int = 0

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.files or self.config)


def compare_images(
    first: StoredImage,
    second: StoredImage,
    platform: Platform | None = None,
    *,
    with_text: bool = False,
) -> ImageDifference:
    """Return what differs between two images. Times of files do not count.

    Layers that both begin with are read once, and their contents not at all.

    Args:
        first: the image to compare with.
        second: the other.
        platform: which of several platforms.
        with_text: whether to compare text files line by line.

    Raises:
        ImageFormatError: an image is malformed, is for another platform than the one that was
            named, or has several platforms and none was named.
        ImageBuilderError: one cannot be read.
    """
    one, two = first.choose(platform), second.choose(platform)
    configs = [
        ImageConfig.parse(image.blobs.read(manifest.config, max_bytes=MAX_CONFIG_BYTES))
        for image, manifest in ((first, one), (second, two))
    ]
    if platform is not None:
        _check_platforms(platform, zip((first, second), configs, strict=True))
    same = _same_layers(configs[0], configs[1], one.layers, two.layers)
    with ExitStack() as opened:
        base: Tree = {}
        for layer in one.layers[:same]:
            contents = LayerContents(partial(first.blobs.open, layer))
            base = apply_layer(base, contents.members())
        tree, other = base, base
        for layer in one.layers[same:]:
            tree = _applied(tree, first, layer, opened)
        for layer in two.layers[same:]:
            other = _applied(other, second, layer, opened)
        files = list(_file_differences(tree, other))
        if with_text:
            files = [_with_text(found, tree, other) for found in files]
    return ImageDifference(tuple(files), tuple(_config_differences(*configs)), same)


def _check_platforms(platform: Platform, images: Iterable[tuple[StoredImage, ImageConfig]]) -> None:
    for image, config in images:
        if not platform.runs(config.platform):
            raise ImageFormatError(f"{image.name} is for {config.platform}, not for {platform}.")


def _same_layers(
    one: ImageConfig, two: ImageConfig, layers: Sequence[Descriptor], others: Sequence[Descriptor]
) -> int:
    """Return how many layers, unpacked, both begin with."""
    most = min(len(layers), len(others), len(one.diff_ids), len(two.diff_ids))
    for number in range(most):
        if one.diff_ids[number] != two.diff_ids[number]:
            return number
    return most


def _applied(below: Tree, image: StoredImage, layer: Descriptor, opened: ExitStack) -> Tree:
    contents = LayerContents(partial(image.blobs.open, layer))
    opened.callback(contents.close)
    members = list(contents.members())
    # Asked for in the layer's order, all digests cost one more pass; in another, one pass each.
    for member in members:
        if member.file.content is not None:
            member.file.content.digest()
    return apply_layer(below, members)


def _file_differences(one: Mapping[str, File], two: Mapping[str, File]) -> Iterator[FileDifference]:
    changed: list[FileDifference] = []
    for path, file in one.items():
        other = two.get(path)
        if other is None:
            changed.append(FileDifference(f"/{path}", Change.REMOVED, size=(_bytes(file), None)))
        elif other is not file and (aspects := _aspects(file, other)):
            sizes = (_bytes(file), _bytes(other))
            changed.append(FileDifference(f"/{path}", Change.CHANGED, aspects, sizes))
    for path, file in two.items():
        if path not in one:
            changed.append(FileDifference(f"/{path}", Change.ADDED, size=(None, _bytes(file))))
    yield from sorted(changed, key=lambda found: found.path.split("/"))


def _bytes(file: File) -> int:
    return file.size if file.kind == "file" else 0


def _aspects(one: File, two: File) -> tuple[str, ...]:
    if one.kind != two.kind:
        return ("type",)
    found = {
        "target": one.link != two.link or one.device != two.device,
        "mode": one.mode != two.mode,
        "owner": (one.uid, one.gid) != (two.uid, two.gid),
        "attributes": one.xattrs != two.xattrs,
        "content": one.kind == "file" and not _same_content(one, two),
    }
    return tuple(aspect for aspect, differs in found.items() if differs)


def _same_content(one: File, two: File) -> bool:
    if one.size != two.size:
        return False
    if one.content is None or two.content is None:
        return one.data == two.data if one.content is two.content else False
    return one.content.digest() == two.content.digest()


def _with_text(
    found: FileDifference, one: Mapping[str, File], two: Mapping[str, File]
) -> FileDifference:
    if found.change is Change.CHANGED and "content" not in found.aspects:
        return found
    path = found.path[1:]
    texts = [_text(tree.get(path)) for tree in (one, two)]
    if texts[0] is None or texts[1] is None:
        return found
    lines = difflib.unified_diff(texts[0], texts[1], lineterm="", n=2)
    told = list(lines)[2:]
    if len(told) > MAX_TEXT_LINES:
        left = len(told) - MAX_TEXT_LINES
        told = [*told[:MAX_TEXT_LINES], f"… {left} more lines"]
    return replace(found, text=tuple(told))


def _text(file: File | None) -> list[str] | None:
    """Return the lines of a text file; nothing of one that is not there, `None` of all else."""
    if file is None:
        return []
    if file.kind != "file" or file.size > MAX_TEXT_BYTES:
        return None
    try:
        return b"".join(file.pieces()).decode().splitlines()
    except UnicodeDecodeError:
        return None


def _config_differences(one: ImageConfig, two: ImageConfig) -> Iterator[ConfigDifference]:
    values = [
        {"Platform": str(config.platform), **config.config.to_json()} for config in (one, two)
    ]
    for key in dict.fromkeys([*values[0], *values[1]]):
        first, second = values[0].get(key), values[1].get(key)
        if first != second:
            yield ConfigDifference(key, first, second)
