"""`docker import`: an image of one layer from a tar of a root file system."""

from __future__ import annotations

from imagebuilders.exceptions import LayerFormatError

from ...images.config import ImageDocument, RunConfig, history_entry
from ...images.image import Image
from ..errors import ApiError
from ..images.config_forms import written
from ..images.store import ImageStore
from ..images.unpacking import registered, told
from .changes import apply_changes


def import_tar(images: ImageStore, body: bytes, *, changes: list[str], message: str) -> Image:
    """Make an image of a tar, compressed or not.

    Raises:
        ApiError: when a change cannot be applied, or an entry has no place.
        TarError: when it is no tar.
    """
    version, now = images.state.version, images.state.clock()
    try:
        layer = registered(body, version, now)
    except LayerFormatError as error:
        raise ApiError(500, told(error, version)) from error
    config = apply_changes(version, RunConfig(), changes)
    comment = message or "Imported from -"
    document = ImageDocument(
        config=config,
        container_config=RunConfig(),
        created=now,
        comment=comment,
        docker_version=version.named_in_images,
        history=[history_entry(now, "", comment=comment)],
        diff_ids=[layer.diff_id],
    )
    return images.add(Image(written(document, version), (layer,)))
