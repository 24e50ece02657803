"""Images in a folder that is an image layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import ControlFileError, ImageFormatError
from imagebuilders.inspection.registry_image import file_pieces
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import verified
from imagebuilders.oci.layout import ImageLayout


def layout_image(path: str, tag: str = "") -> StoredImage:
    """Return an image of a layout.

    Args:
        path: the folder.
        tag: the image's tag; needed where there are several images and none is `latest`.

    Raises:
        ImageFormatError: the layout is malformed, or has no such image.
    """
    try:
        found = ImageLayout(path).find(tag)
    except ControlFileError as error:
        raise ImageFormatError(f"{path} is no image layout: {error.reason}.") from error
    if found is None:
        which = f"no image with the tag {tag!r}" if tag else "several images, none of them 'latest'"
        raise ImageFormatError(
            f"The image layout {path} has {which}: name a tag, as in {path}:TAG."
        )
    name = f"{path}:{tag}" if tag else path
    return StoredImage(name, f"the image layout {path}", found, _LayoutBlobs(Path(path)))


class _LayoutBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        try:
            content = read_control_file(self._path(descriptor), limit=max_bytes).content
        except ControlFileError as error:
            raise _unreadable(descriptor, self._folder, error.reason) from error
        descriptor.digest.verify(content, size=descriptor.size)
        return content

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        pieces = file_pieces(self._path(descriptor))
        try:
            yield from verified(pieces, descriptor.digest, size=descriptor.size)
        except OSError as error:
            raise _unreadable(descriptor, self._folder, error.strerror or str(error)) from error

    def _path(self, descriptor: Descriptor) -> Path:
        return self._folder.joinpath("blobs", *str(descriptor.digest).split(":", 1))


def _unreadable(descriptor: Descriptor, folder: Path, reason: str) -> ImageFormatError:
    return ImageFormatError(
        f"The blob {descriptor.digest} of the image layout {folder} cannot be read: {reason}."
    )
