"""Folders and files of this machine that are mounted into containers.

An engine and its client mostly share a machine, and tests hand folders over that way. Names are
looked up anew each time; contents are read only where somebody looks. What is written is written
to the machine, as a container would, but no place is made that is not there.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from imagebuilders.oci.file_tree import File, Tree

_MOST = 10_000
"""So many names of a folder are looked up; of a larger one nothing is seen."""
_KINDS = (
    (stat.S_ISDIR, "dir"),
    (stat.S_ISLNK, "symlink"),
    (stat.S_ISREG, "file"),
    (stat.S_ISFIFO, "fifo"),
)


class HostFiles:
    """What is at a place of this machine, for the length of one look.

    Attributes:
        folder: the place itself, which may be a file.
        tree: what is in it, by the path there; without contents until `load`.

    Args:
        source: an absolute path that exists.
        read_only: nothing is to be written there.
    """

    def __init__(self, source: str, *, read_only: bool) -> None:
        self._source = Path(source)
        self._read_only = read_only
        self.folder = host_file(self._source.resolve())
        self.tree: Tree = {}
        for below in _names(self._source):
            with suppress(OSError):  # It may just have gone.
                self.tree[below] = host_file(self._source / below)
            if len(self.tree) > _MOST:
                self.tree = {}
                break

    def load(self, below: str) -> File:
        """Return a file with its content, which is empty where it cannot be read."""
        known = self.tree[below] if below else self.folder
        try:
            found = known._replace(data=(self._source / below).read_bytes())
        except OSError:
            return known
        if below:
            self.tree[below] = found
        else:
            self.folder = found
        return found

    def keep(self, folder: File, tree: Mapping[str, File]) -> None:
        """Write what was changed to the machine.

        Raises:
            OSError: it cannot be written.
        """
        gone = [below for below in self.tree if below not in tree]
        new = {below: file for below, file in tree.items() if self._is_new(below, file)}
        if folder.kind == "file" and folder is not self.folder:
            new[""] = folder
        if (gone or new) and self._read_only:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self._source))
        for below in sorted(gone, key=len, reverse=True):
            remove_host_file(self._source / below)
        for below in sorted(new, key=lambda path: path.count("/")):
            write_host_file(self._source / below, new[below])

    def _is_new(self, below: str, file: File) -> bool:
        known = self.tree.get(below)
        if known is None or "dir" not in (known.kind, file.kind):
            return known is not file
        # Writing in a folder changes its time, here as there.
        return (known.kind, known.mode) != (file.kind, file.mode)


def _names(source: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(source):
        inside = Path(folder).relative_to(source)
        for name in sorted([*folders, *files]):
            yield str(inside / name)


def host_file(path: Path) -> File:
    """Return what is at a path of this machine, without its content.

    Raises:
        OSError: it is not there.
    """
    found = path.lstat()
    kind = next((kind for check, kind in _KINDS if check(found.st_mode)), "other")
    return File(
        kind,
        stat.S_IMODE(found.st_mode),
        found.st_uid,
        found.st_gid,
        int(found.st_mtime),
        link=os.readlink(path) if kind == "symlink" else "",
    )


def remove_host_file(path: Path) -> None:
    """Take away what is at a path of this machine; a folder is empty.

    Raises:
        OSError: it cannot be taken away.
    """
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def write_host_file(path: Path, file: File) -> None:
    """Write a folder, link or file to this machine.

    Raises:
        OSError: it cannot be written.
    """
    if file.kind == "dir":
        path.mkdir(exist_ok=True)
        path.chmod(file.mode)
    elif file.kind == "symlink":
        remove_host_file(path)
        path.symlink_to(file.link)
    elif file.kind == "file":
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(path, flags, file.mode), "wb") as output:
            output.write(file.data)
        path.chmod(file.mode)
