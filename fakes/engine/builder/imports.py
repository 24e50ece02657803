"""`docker import`: an image of one layer from a tar of a root file system."""

from __future__ import annotations

from ..images import tar
from ..images.config import ImageConfig, RunConfig, history_entry
from ..images.layers import Layer
from ..images.store import Image, ImageStore
from .changes import apply_changes


def import_tar(images: ImageStore, body: bytes, *, changes: list[str], message: str) -> Image:
    """Make an image of a tar, compressed or not.

    Raises:
        ApiError: when a change cannot be applied.
        TarError: when it is no tar.
    """
    content = tar.decompress(body)
    tar.read(content)
    config = apply_changes(images.state.version, RunConfig(), changes)
    now = images.state.clock()
    layer = Layer(content)
    comment = message or "Imported from -"
    document = ImageConfig(
        config=config,
        container_config=RunConfig(),
        created=now,
        comment=comment,
        docker_version=images.state.version.version,
        history=[history_entry(now, "", comment=comment)],
        diff_ids=[layer.diff_id],
    )
    return images.add(Image(document.to_bytes(), (layer,)))
