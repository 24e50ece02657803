"""A folder or file of this machine as processes see it that an emulated shell evaluates.

It is looked at anew each time, and what is written is written to the machine at once, as in a
container. Links are never followed here: the emulation follows them, inside the container.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imagebuilders.oci.digest import Digest, Hasher
from imagebuilders.oci.file_tree import File

from .host_files import host_file, remove_host_file, write_host_file

_PIECE = 1 << 20


@dataclass(frozen=True)
class HostContent:
    """The content of a file of this machine, as long as it stays the same file.

    Attributes:
        path: where it is.
        size: bytes of content.
        changed: when it was changed, in nanoseconds since the epoch.
    """

    path: Path
    size: int
    changed: int

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece; none where it cannot be read."""
        with suppress(OSError):
            number = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(number, "rb") as file:
                while piece := file.read(_PIECE):
                    yield piece

    def digest(self) -> Digest:
        """Return the SHA-256 digest."""
        hasher = Hasher()
        for piece in self.pieces():
            hasher.update(piece)
        return hasher.digest()


class HostPlace:
    """What is at a place of this machine.

    Args:
        source: an absolute path that exists; it may be a file.
    """

    def __init__(self, source: str) -> None:
        self._source = Path(source).resolve()

    def get(self, path: str) -> File | None:
        """Return what is at a path, no link followed."""
        place = self._source / path
        try:
            file = host_file(place)
            found = place.lstat()
        except (OSError, ValueError):
            return None
        file = file._replace(nanoseconds=found.st_mtime_ns % 10**9)
        if file.kind != "file":
            return file
        return file._replace(content=HostContent(place, found.st_size, found.st_mtime_ns))

    def put(self, path: str, file: File) -> None:
        """Write something to the machine.

        Raises:
            OSError: it cannot be written.
        """
        place = self._source / path
        known = self.get(path)
        if known is None or file.kind != known.kind or _has_content(file, known):
            whole = file._replace(data=b"".join(file.pieces()), content=None)
            write_host_file(place, whole)
        elif file.mode != known.mode and file.kind != "symlink":
            place.chmod(file.mode)
        if (file.uid, file.gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
            os.chown(place, file.uid, file.gid, follow_symlinks=False)

    def remove(self, path: str) -> None:
        """Take away what is at a path.

        Raises:
            OSError: it cannot be taken away.
        """
        remove_host_file(self._source / path)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        try:
            return os.listdir(self._source / folder)
        except OSError:
            return []


def _has_content(file: File, known: File) -> bool:
    """Whether a file is written anew, not only shown with another owner or time."""
    if file.kind == "symlink":
        return file.link != known.link
    return file.kind == "file" and file.content is None
