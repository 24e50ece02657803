"""Where the files are that emulated processes see: the seam to whatever holds a tree."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Protocol

from imagebuilders.oci.file_tree import File

_IMPLIED = File("dir", 0o755)


class FileTable(Protocol):
    """Files by their paths: relative to the root, `/` between parts, `""` is the root itself."""

    def get(self, path: str, /) -> File | None:
        """Return what is at a path, no link followed."""
        ...

    def put(self, path: str, file: File, /) -> None:
        """Put something at a path, in place of what is there; what is below a folder stays."""
        ...

    def remove(self, path: str, /) -> None:
        """Take away what is at a path; a folder is empty."""
        ...

    def names(self, folder: str, /) -> Iterable[str]:
        """Return the names in a folder, in any order."""
        ...

    def is_mount(self, path: str, /) -> bool:
        """Tell whether something of another file system is mounted at a path."""
        ...

    def is_read_only(self, path: str, /) -> bool:
        """Tell whether nothing may be written at a path."""
        ...


class TreeTable:
    """A tree as a table, with an index of its folders.

    Folders that are only implied by a path below them count as there.

    Args:
        tree: what is read and changed.
    """

    def __init__(self, tree: MutableMapping[str, File]) -> None:
        self._tree = tree
        self._folders: dict[str, dict[str, None]] = {"": {}}
        for path in tree:
            if path:
                self._index(path)

    def get(self, path: str) -> File | None:
        """Return what is at a path, no link followed."""
        file = self._tree.get(path)
        if file is None and path in self._folders:
            return _IMPLIED
        return file

    def put(self, path: str, file: File) -> None:
        """Put something at a path, in place of what is there."""
        self._tree[path] = file
        if path:
            self._index(path)
        if file.kind == "dir":
            self._folders.setdefault(path, {})

    def remove(self, path: str) -> None:
        """Take away what is at a path; a folder is empty."""
        self._tree.pop(path, None)
        self._folders.pop(path, None)
        folder, _, name = path.rpartition("/")
        self._folders.get(folder, {}).pop(name, None)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder, in the order in which they came."""
        return list(self._folders.get(folder, ()))

    def is_mount(self, path: str, /) -> bool:  # noqa: ARG002  (all are alike)
        """Tell whether something is mounted at a path: nothing is."""
        return False

    def is_read_only(self, path: str, /) -> bool:  # noqa: ARG002  (all are alike)
        """Tell whether nothing may be written at a path: everything may."""
        return False

    def _index(self, path: str) -> None:
        while path:
            folder, _, name = path.rpartition("/")
            names = self._folders.setdefault(folder, {})
            if name in names:
                return
            names[name] = None
            path = folder
