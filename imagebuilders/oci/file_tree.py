"""Files as values, and trees of them as a root file system holds them.

A tree is a dict from path (relative, no leading slash, `/` between parts) to `File`. A directory
that is only implied by a path below it has no entry of its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import count
from typing import NamedTuple

from imagebuilders.oci.content import Content

_MAX_LINKS = 255


class File(NamedTuple):
    """A file, directory, link or device.

    Attributes:
        kind: `file`, `dir`, `symlink`, `fifo`, `char` or `block`.
        mode: permission bits with set-id and sticky bits.
        uid: owner.
        gid: group.
        mtime: seconds since the epoch.
        data: a regular file's content, if it is held in memory.
        link: where a symbolic link points.
        device: major and minor number.
        inode: the same for hard links to one file; 0 for others.
        xattrs: extended attributes, sorted by name.
        nanoseconds: what the time has beyond `mtime`.
        content: where a regular file's content is, if it is not held; `data` is empty then.
    """

    kind: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    data: bytes = b""
    link: str = ""
    device: tuple[int, int] = (0, 0)
    inode: int = 0
    xattrs: tuple[tuple[str, str], ...] = ()
    nanoseconds: int = 0
    content: Content | None = None

    @property
    def size(self) -> int:
        """Bytes of content; of a symbolic link, of its target."""
        if self.content is not None:
            return self.content.size
        if self.kind == "symlink":
            return len(self.link.encode("utf-8", "surrogateescape"))
        return len(self.data)

    def pieces(self) -> Iterator[bytes]:
        """Return a regular file's content, piece by piece.

        Raises:
            ImageBuilderError: it cannot be read, or has changed.
        """
        if self.content is not None:
            yield from self.content.pieces()
        elif self.data:
            yield self.data


_inodes = count(1)


def new_inode() -> int:
    """Return a number for `File.inode` that no file has yet."""
    return next(_inodes)


Tree = dict[str, File]


class UnresolvedPathError(Exception):
    """A chain of symbolic links that does not end."""


def clean(path: str) -> str:
    """Return a path inside the root as trees name it; `""` is the root itself."""
    return posixpath.normpath("/" + path).lstrip("/")


def parent(path: str) -> str:
    """Return the directory that holds a path."""
    return path.rpartition("/")[0]


def ancestors(path: str) -> Iterator[str]:
    """Return the directories above a path, the outermost first, without the root."""
    position = path.find("/")
    while position >= 0:
        yield path[:position]
        position = path.find("/", position + 1)


def resolve(tree: Mapping[str, File], path: str, *, follow_last: bool = True) -> str:
    """Follow the symbolic links of a path, never out of the root.

    Args:
        tree: where to look.
        path: the path.
        follow_last: whether to follow a link that is the path's last part.

    Raises:
        UnresolvedPathError: there are too many links.
    """
    return follow_links(path, tree.get, follow_last=follow_last)


def follow_links(path: str, look: Callable[[str], File | None], *, follow_last: bool = True) -> str:
    """Follow the symbolic links of a path as the system does, never out of the root.

    Args:
        path: the path.
        look: returns the file at a path in which no link is to be followed; may return `None`
            for what is no link.
        follow_last: whether to follow a link that is the path's last part.

    Raises:
        UnresolvedPathError: there are too many links.
    """
    pending = [part for part in path.split("/") if part not in ("", ".")]
    pending.reverse()
    current: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            if current:
                current.pop()
            continue
        if part in ("", "."):
            continue
        candidate = "/".join([*current, part])
        file = look(candidate)
        if file is not None and file.kind == "symlink" and (pending or follow_last):
            links += 1
            if links > _MAX_LINKS:
                raise UnresolvedPathError(path)
            if file.link.startswith("/"):
                current = []
            pending.extend(reversed(file.link.split("/")))
            continue
        current.append(part)
    return "/".join(current)


def children(tree: Mapping[str, File], path: str) -> list[str]:
    """Return every path below a directory, in the order of a walk."""
    prefix = f"{path}/" if path else ""
    below = [name for name in tree if name.startswith(prefix) and name != path and name]
    return sorted(below, key=walk_key)


def walk_key(path: str) -> list[str]:
    """Return what sorts paths as a walk visits them: a directory, then what is in it, by name."""
    return path.split("/")


def implied_directories(tree: Tree) -> None:
    """Add an entry for every directory that is only implied by a path below it."""
    missing = {above for path in tree for above in ancestors(path) if above not in tree}
    for path in missing:
        tree[path] = File("dir", 0o755)


def is_directory(tree: Mapping[str, File], path: str) -> bool:
    """Whether a path, links followed, is a directory.

    Raises:
        UnresolvedPathError: there are too many links.
    """
    target = resolve(tree, path)
    if not target:
        return True
    file = tree.get(target)
    return file is not None and file.kind == "dir"


def remove(tree: Tree, path: str) -> None:
    """Take a path and everything below it out of a tree."""
    tree.pop(path, None)
    remove_below(tree, {path})


def remove_below(tree: Tree, folders: Container[str]) -> None:
    """Take everything below some folders out of a tree; the folders themselves stay."""
    for path in [p for p in tree if any(above in folders for above in ancestors(p))]:
        del tree[path]
