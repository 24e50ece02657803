"""What is remembered on this machine between runs: how much it takes, and removing it.

Nothing of it is needed: what is removed is found out, and remembered, anew.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.user_folders import own_cache_folder

KINDS = {
    "digests": "hashes of the files of build contexts",
    "builds": "what the last builds of build contexts were made of",
    "file-lists": "which files base images have",
    "layers": "the names of layers that were made without a daemon",
}
"""The folders that are looked at, and what is in each. Others in the same place are not ours."""


@dataclass(frozen=True)
class CachedFile:
    """A file that holds something remembered.

    Attributes:
        path: where it is.
        kind: the folder that it is in, one of `KINDS`.
        size: its size in bytes.
        last_used_at: when it was read or written last, by a run that needed it.
    """

    path: Path
    kind: str
    size: int
    last_used_at: datetime


def local_cache() -> list[CachedFile]:
    """Return everything that is remembered on this machine, the largest first.

    What cannot be looked at is left out, as is what is no regular file.
    """
    folder = own_cache_folder()
    found = [] if folder is None else [file for kind in KINDS for file in _files(folder, kind)]
    return sorted(found, key=lambda file: (-file.size, file.path))


def prune_local_cache(keep_duration: timedelta | None = None) -> list[CachedFile]:
    """Forget what is remembered on this machine; return the files that are gone.

    Args:
        keep_duration: what was used within this time stays.

    Raises:
        OSError: a file cannot be removed; others may be gone already.
    """
    now = datetime.now(timezone.utc)
    removed = []
    for file in local_cache():
        if keep_duration is not None and now - file.last_used_at < keep_duration:
            continue
        with suppress(FileNotFoundError):  # another process was quicker
            os.unlink(file.path)
            removed.append(file)
    return removed


def _files(folder: Path, kind: str) -> Iterator[CachedFile]:
    waiting = [folder / kind]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(Path(entry.path))
                elif stat.S_ISREG(status.st_mode):
                    used = datetime.fromtimestamp(status.st_mtime, timezone.utc)
                    yield CachedFile(Path(entry.path), kind, status.st_size, used)
