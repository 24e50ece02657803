"""Files that are written under another name first, and those that were left behind."""

from __future__ import annotations

import logging
import posixpath
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.chunks import ChunkSource
    from imagebuilders.artifact_stores.filesystem import FileSystem

logger = logging.getLogger(__name__)

STALE_AFTER = 24 * 60 * 60.0
"""After so many seconds an unfinished upload counts as left behind by a process that died."""

_NAME = re.compile(r"\.(?P<name>.+)\.(?P<started>[0-9a-f]{8,16})-[0-9a-f]{16}\.part")


def temporary_name(name: str) -> str:
    """Give a name, used by nobody else, under which `name` can be written.

    It carries the time, so that its age is known on file systems that keep no times.
    """
    return f".{name}.{int(time.time()):08x}-{secrets.token_hex(8)}.part"


def is_temporary(name: str) -> bool:
    """Tell whether `name` was made by `temporary_name`."""
    return _NAME.fullmatch(name) is not None


def is_stale(name: str, after: float = STALE_AFTER) -> bool:
    """Tell whether `name` is a temporary name made more than `after` seconds ago."""
    match = _NAME.fullmatch(name)
    return match is not None and time.time() - int(match["started"], 16) > after


def publish_by_renaming(
    filesystem: FileSystem,
    target: str,
    source: ChunkSource,
    *,
    rename: Callable[[str, str], None],
    stale_after: float,
) -> int:
    """Write under a temporary name in the target's folder, then rename to the target.

    When this fails the temporary file is removed; files left by processes that died are
    removed by a later call.

    Returns:
        The size of the file in bytes.
    """
    folder, name = posixpath.split(target)
    temporary = f"{folder}/{temporary_name(name)}"
    filesystem.makedirs(folder, exist_ok=True)
    try:
        size = _write(filesystem, temporary, source)
        rename(temporary, target)
    except BaseException:
        with suppress(Exception):
            filesystem.rm_file(temporary)
        raise
    with suppress(Exception):
        _sweep(filesystem, folder, stale_after)
    return size


def _write(filesystem: FileSystem, target: str, source: ChunkSource) -> int:
    total = 0
    with source.open() as chunks:
        file = filesystem.open(target, "wb")
        try:
            for chunk in chunks:
                file.write(chunk)
                total += len(chunk)
                source.written(total)
        except BaseException:
            # What closing has to say would hide why the writing ended.
            with suppress(Exception):
                file.close()
            raise
        file.close()
    return total


def _sweep(filesystem: FileSystem, folder: str, stale_after: float) -> None:
    filesystem.invalidate_cache()
    for entry in filesystem.ls(folder, detail=True):
        path = str(entry["name"])
        if is_stale(posixpath.basename(path), stale_after):
            logger.info("Removing %s, which an upload that died left behind.", path)
            filesystem.rm_file(path)
