"""Image layouts as archives, as `docker load` and others take them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagebuilders.daemonless.images import DeliveredImage
from imagebuilders.oci.content import digest_pieces
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File, ancestors
from imagebuilders.oci.layer_writer import write_layer
from imagebuilders.oci.layout import blob_path
from imagebuilders.oci.manifest import Manifest
from imagebuilders.oci.members import Member

_PIECE_BYTES = 256 * 1024


def archived_layout(
    folder: Path, image: DeliveredImage, names: Sequence[str], *, for_docker: bool
) -> Iterator[bytes]:
    """Return an image layout as a tar, piece by piece; the same layout gives the same bytes.

    Args:
        folder: the layout.
        image: the image in it.
        names: the image's names, for `docker load`.
        for_docker: the archive also has the list by which `docker load` finds the image.
    """
    files = {path: File("file", content=_PathContent(folder / path)) for path in _paths(folder)}
    if for_docker:
        files["manifest.json"] = File("file", data=_docker_list(image, names))
    folders = {above: File("dir", 0o755) for path in files for above in ancestors(path)}
    entries = sorted((files | folders).items())
    return write_layer(
        Member(f"{path}/" if file.kind == "dir" else path, file, size=file.size)
        for path, file in entries
    )


def _paths(folder: Path) -> Iterator[str]:
    """Yield the paths of a layout's files."""
    for root, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".lock"):
                yield os.path.relpath(os.path.join(root, name), folder)


def _docker_list(image: DeliveredImage, names: Sequence[str]) -> bytes:
    finished = image.images[0]
    layers = Manifest.parse(finished.manifest).layers
    record = {
        "Config": blob_path(finished.config_descriptor.digest),
        "RepoTags": list(names),
        "Layers": [blob_path(layer.digest) for layer in layers],
    }
    return json.dumps([record], separators=(",", ":")).encode()


class _PathContent:
    """What is in a file of a layout.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece."""
        with self._path.open("rb") as opened:
            yield from iter(lambda: opened.read(_PIECE_BYTES), b"")

    def digest(self) -> Digest:
        """Return their digest."""
        return digest_pieces(self.pieces())
