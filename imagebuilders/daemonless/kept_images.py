"""Image layouts in the cache folder: what no tag leads to any more is removed from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from imagebuilders.daemonless.layout_images import LayoutImage
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.layout import ImageLayout
from imagebuilders.oci.manifest import Manifest

_GRACE_SECONDS = 3600.0
"""What is younger may belong to a build that is still at work."""


def remove_unreachable(folder: Path, *, clock: Callable[[], float] = time.time) -> None:
    """Remove the blobs of an image layout that nothing in it leads to; failures do not matter.

    Args:
        folder: the layout.
        clock: gives the time in seconds since 1970.
    """
    try:
        reached = {str(digest) for digest in _reached(folder)}
    except (ImageBuilderError, OSError):
        return
    oldest = clock() - _GRACE_SECONDS
    for algorithm in ("sha256", "sha512"):
        with suppress(OSError), os.scandir(folder / "blobs" / algorithm) as scan:
            for blob in scan:
                if f"{algorithm}:{blob.name}" not in reached and blob.stat().st_mtime < oldest:
                    os.unlink(blob.path)


def _reached(folder: Path) -> Iterator[Digest]:
    blobs = LayoutImage(str(folder))
    waiting = [entry.digest for entry in ImageLayout(folder).manifests()]
    seen: set[Digest] = set()
    while waiting:
        digest = waiting.pop()
        if digest in seen:
            continue
        seen.add(digest)
        yield digest
        found = blobs.read_manifest(digest).parse()
        if isinstance(found, Manifest):
            yield from (found.config.digest, *(layer.digest for layer in found.layers))
        else:
            waiting += [entry.digest for entry in found.manifests]
