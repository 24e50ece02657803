"""Images written into an image layout: a folder of blobs with an index of tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from imagebuilders.daemonless.base_images import BaseImage
from imagebuilders.daemonless.destinations import Progress
from imagebuilders.daemonless.whole_files import write_whole
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.layout import ImageLayout, blob_path

_PIECE_BYTES = 256 * 1024


class LayoutDestination:
    """An image layout in a folder, which is made; a `Destination`.

    Args:
        folder: the folder.
        tags: what the image is found by in it.
    """

    def __init__(self, folder: Path, tags: tuple[str, ...]) -> None:
        self._folder = folder
        self._tags = tags

    def is_named(self, descriptor: Descriptor) -> bool:
        """Return that it is not known: writing an entry of the index anew costs nothing."""
        del descriptor
        return False

    def has_image(self, descriptor: Descriptor) -> bool:
        """Return whether a manifest is there: it is written after what it names."""
        return self.has_blob(descriptor)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Return whether a blob is there, whole."""
        try:
            return self._path(descriptor.digest).stat().st_size == descriptor.size
        except OSError:
            return False

    def take_over(self, layer: Descriptor, image: BaseImage, on_progress: Progress) -> str:
        """Bring a layer of another image."""
        if layer.is_nondistributable and layer.urls:
            return "Kept elsewhere"
        if self.has_blob(layer):
            return "Already there"
        with image.source.open_blob(layer.digest, size=layer.size) as pieces:
            write_whole(self._path(layer.digest), _counted(pieces, on_progress))
        return "Copied"

    def write_layer(self, layer: Descriptor, blob: IO[bytes], on_progress: Progress) -> None:
        """Bring a layer's blob."""
        if not self.has_blob(layer):
            pieces = iter(lambda: blob.read(_PIECE_BYTES), b"")
            write_whole(self._path(layer.digest), _counted(pieces, on_progress))

    def write_blob(self, content: bytes, digest: Digest) -> None:
        """Bring a small blob."""
        write_whole(self._path(digest), content)

    def write_manifest(self, content: bytes, descriptor: Descriptor) -> None:
        """Bring a manifest or index."""
        self.write_blob(content, descriptor.digest)

    def name_image(self, content: bytes, descriptor: Descriptor) -> None:
        """Put a manifest or index into the layout's index, under all tags."""
        if not self.has_blob(descriptor):
            self.write_manifest(content, descriptor)
        ImageLayout(self._folder).add(descriptor.to_json(), self._tags)

    def _path(self, digest: Digest) -> Path:
        return self._folder / blob_path(digest)


def _counted(pieces: Iterable[bytes], on_progress: Progress) -> Iterator[bytes]:
    written = 0
    for piece in pieces:
        yield piece
        written += len(piece)
        on_progress(written)
