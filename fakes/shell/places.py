"""Parts of what processes see of files: what is held in memory, at a place of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from imagebuilders.oci.file_tree import File, Tree

from .indexed_tree import IndexedTree


class Place(Protocol):
    """Files by their paths in a place; `""` is the place itself."""

    def get(self, path: str) -> File | None:
        """Return what is at a path, no link followed."""
        ...

    def put(self, path: str, file: File) -> None:
        """Put something at a path; what is below a folder stays."""
        ...

    def remove(self, path: str) -> None:
        """Take away what is at a path; a folder is empty."""
        ...

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        ...


class HeldTree(Protocol):
    """What has a tree, and the folder that it is in, as a volume does."""

    folder: File
    tree: Tree


@dataclass
class MemoryFiles:
    """What is at a place that is in memory.

    Attributes:
        folder: the place itself.
        tree: what is in it, by the path there.
    """

    folder: File = field(default_factory=lambda: File("dir", 0o1777))
    tree: Tree = field(default_factory=dict)


class TreePlace:
    """What a volume holds, or is in memory."""

    def __init__(self, held: HeldTree) -> None:
        self._held = held

    @property
    def _tree(self) -> IndexedTree:
        tree = self._held.tree
        if not isinstance(tree, IndexedTree):
            tree = self._held.tree = IndexedTree(tree)
        return tree

    def get(self, path: str) -> File | None:
        """Return what is at a path."""
        return self._tree.get(path) if path else self._held.folder

    def put(self, path: str, file: File) -> None:
        """Put something at a path."""
        if path:
            self._tree[path] = file
        else:
            self._held.folder = file

    def remove(self, path: str) -> None:
        """Take away what is at a path."""
        self._tree.pop(path, None)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        return self._tree.names(folder)


class PartOfPlace:
    """A folder or file of a place, mounted alone.

    Args:
        place: the whole.
        path: the part, without a slash at its beginning.
    """

    def __init__(self, place: Place, path: str) -> None:
        self._place = place
        self._path = path

    def get(self, path: str) -> File | None:
        """Return what is at a path."""
        return self._place.get(self._inside(path))

    def put(self, path: str, file: File) -> None:
        """Put something at a path."""
        self._place.put(self._inside(path), file)

    def remove(self, path: str) -> None:
        """Take away what is at a path."""
        self._place.remove(self._inside(path))

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        return self._place.names(self._inside(folder))

    def _inside(self, path: str) -> str:
        return f"{self._path}/{path}" if path else self._path
