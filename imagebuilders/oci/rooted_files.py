"""Files that are written to, and where paths of them lead (path_resolution(7))."""

from __future__ import annotations

import os
from typing import Protocol

from imagebuilders.oci.file_tree import File, Tree, remove

_MAX_LINKS = 40
_MAX_NAME_BYTES = 255

MISSING = "no such file or directory"
NOT_A_FOLDER = "not a directory"
ENDLESS = "too many levels of symbolic links"
EXISTS = "file exists"
TOO_LONG = "file name too long"
ESCAPES = "path escapes from parent"

_ROOT = File("dir", 0o755)


class PathError(Exception):
    """A path leads nowhere; the text is the reason."""


class Files(Protocol):
    """The files that are written to."""

    def get(self, path: str) -> File | None:
        """Return what is at a path."""
        ...

    def put(self, path: str, file: File) -> None:
        """Write a path; a folder that takes a folder's place keeps what is in it."""
        ...

    def remove(self, path: str) -> None:
        """Take a path away, and all below it."""
        ...

    def change(self, path: str, file: File) -> None:
        """Change what is at a path in place: its folder stays as it is."""
        ...

    def make_folder(self, path: str, now: int, /) -> None:
        """Make a folder because something is to be below it, at a time in seconds since 1970."""
        ...


class TreeFiles:
    """A tree as files."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def get(self, path: str) -> File | None:
        """Return what is at a path."""
        return self.tree.get(path)

    def put(self, path: str, file: File) -> None:
        """Write a path."""
        self.tree[path] = file

    def remove(self, path: str) -> None:
        """Take a path away, and all below it."""
        remove(self.tree, path)

    def change(self, path: str, file: File) -> None:
        """Change what is at a path in place."""
        self.tree[path] = file

    def make_folder(self, path: str, now: int) -> None:
        """Make a folder because something is to be below it."""
        self.put(path, File("dir", 0o755, mtime=now))


class RootedFiles:
    """Files as a program sees them whose root is a folder of them.

    Args:
        files: all of them.
        root: the folder.
        now: the time of folders that are made, in seconds since 1970.
        refuses_escapes: what leads above the root is refused; else the root is above itself.
    """

    def __init__(self, files: Files, root: str, *, now: int, refuses_escapes: bool) -> None:
        self._files = files
        self._root = root
        self._now = now
        self._refuses_escapes = refuses_escapes
        self.implied: set[str] = set()
        """The folders that were made because something is below them, among all files."""

    def full(self, place: str) -> str:
        """Return a place among all the files."""
        return f"{self._root}/{place}".strip("/")

    def get(self, place: str) -> File | None:
        """Return what is at a place; the root is always there."""
        found = self._files.get(self.full(place))
        return _ROOT if found is None and not place else found

    def put(self, place: str, file: File) -> None:
        """Write a place."""
        self._files.put(self.full(place), file)
        self.implied.discard(self.full(place))

    def remove(self, place: str) -> None:
        """Take a place away."""
        self._files.remove(self.full(place))

    def change(self, place: str, file: File) -> None:
        """Change what is at a place."""
        self._files.change(self.full(place), file)

    def imply(self, place: str) -> None:
        """Make a folder because something is to be below it."""
        self._files.make_folder(self.full(place), self._now)
        self.implied.add(self.full(place))

    def walk(self, path: str, *, follow: bool = True, make: bool = False) -> str:
        """Return where a path leads.

        Args:
            path: relative to the root.
            follow: follow a link that is the last part.
            make: make the folders that are missing.

        Raises:
            PathError: something on the way is missing or no folder.
        """
        pending = _parts(path)
        current: list[str] = []
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                if not current and self._refuses_escapes:
                    raise PathError(ESCAPES)
                del current[-1:]
                continue
            if len(os.fsencode(part)) > _MAX_NAME_BYTES:
                raise PathError(TOO_LONG)
            here = "/".join([*current, part])
            file = self.get(here)
            if file is not None and file.kind == "symlink" and (pending or follow):
                links += 1
                if links > _MAX_LINKS:
                    raise PathError(ENDLESS)
                parts = _parts(file.link)
                if file.link.startswith("/"):
                    current = []
                    while parts and parts[-1] == "..":  # the root is above itself there
                        parts.pop()
                pending.extend(parts)
                continue
            if file is None and make:
                self.imply(here)
            elif pending or make:
                _expect_folder(file)
            current.append(part)
        return "/".join(current)


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _expect_folder(file: File | None) -> None:
    if file is None:
        raise PathError(MISSING)
    if file.kind != "dir":
        raise PathError(NOT_A_FOLDER)


def is_local(name: str) -> bool:
    """Whether a name, taken as relative, leads to no place above where it begins."""
    if not name:
        return False
    depth = 0
    for part in name.split("/"):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            depth += 1
        if depth < 0:
            return False
    return True
