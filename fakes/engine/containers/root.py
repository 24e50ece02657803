"""The root of a container's files."""

from __future__ import annotations

import posixpath

from imagebuilders.oci.file_tree import ancestors

from ...images.config import RunConfig
from ..errors import StepError
from ..filesystem.overlay import Overlay


def prepare_root(overlay: Overlay, config: RunConfig) -> Overlay | None:
    """What making a container does to its files: the working directory comes to be.

    Raises:
        StepError: when the working directory or a volume cannot be there.
    """
    for volume in sorted(config.volumes or {}):
        existing = overlay.tree.get(overlay.locate(volume))
        if existing is not None and existing.kind != "dir":
            raise StepError(
                f"cannot mount volume over existing file, file exists {overlay.root}{volume}"
            )
    if not config.working_dir:
        return None
    config.working_dir = posixpath.normpath(config.working_dir)
    path = overlay.locate(config.working_dir)
    for above in ancestors(path):
        if (found := overlay.tree.get(above)) is not None and found.kind != "dir":
            raise StepError(f"lstat {overlay.root}{config.working_dir}: not a directory")
    if path in overlay.tree and overlay.tree[path].kind != "dir":
        raise StepError(f"Cannot mkdir: {config.working_dir} is not a directory")
    overlay.make_directories(path)
    return overlay if overlay.touched else None
