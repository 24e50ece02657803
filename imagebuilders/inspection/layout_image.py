"""Images in a folder that is an image layout."""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.exceptions import ControlFileError, ImageFormatError
from imagebuilders.inspection.stored_image import StoredImage
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.layout_blobs import LayoutBlobs


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
    return StoredImage(name, f"the image layout {path}", found, _Blobs(LayoutBlobs(path)))


class _Blobs:
    """The blobs of a layout, as a `StoredImage` asks for them."""

    def __init__(self, layout: LayoutBlobs) -> None:
        self._layout = layout

    def read(self, descriptor: Descriptor, *, max_bytes: int) -> bytes:
        return self._layout.read_blob(descriptor.digest, size=descriptor.size, max_bytes=max_bytes)

    def open(self, descriptor: Descriptor) -> Iterator[bytes]:
        with self._layout.open_blob(descriptor.digest, size=descriptor.size) as pieces:
            yield from pieces
