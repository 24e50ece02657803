"""A tree that knows what is in each of its folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imagebuilders.oci.file_tree import File


class IndexedTree(dict[str, File]):
    """A tree by path, whose folders can be listed; whoever changes it changes the index.

    A folder that is only implied by a path below it can be listed, too.
    """

    def __init__(self, tree: Mapping[str, File]) -> None:
        super().__init__(tree)
        self._names: dict[str, dict[str, None]] = {"": {}}
        for path in tree:
            self._add(path)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder, in the order in which they came."""
        return list(self._names.get(folder, ()))

    def is_folder(self, path: str) -> bool:
        """Return whether something is below a path."""
        return bool(self._names.get(path))

    def __setitem__(self, path: str, file: File) -> None:
        if path not in self:
            self._add(path)
        super().__setitem__(path, file)

    def __delitem__(self, path: str) -> None:
        super().__delitem__(path)
        self._forget(path)

    def pop(self, path: str, *default: Any) -> Any:
        """Take a path away; what was there."""
        if path in self:
            file = self[path]
            del self[path]
            return file
        return super().pop(path, *default)

    def update(self, *others: Any, **more: File) -> None:
        """Put in what another tree has."""
        for path, file in dict(*others, **more).items():
            self[path] = file

    def __ior__(self, other: Any) -> IndexedTree:  # type: ignore[override,misc]  # of any kind
        self.update(other)
        return self

    def setdefault(self, path: str, default: Any = None) -> File:
        """Return what is at a path, which is the default from now on if nothing was."""
        if path not in self:
            self[path] = default
        return self[path]

    def clear(self) -> None:
        """Take everything away."""
        super().clear()
        self._names = {"": {}}

    def _add(self, path: str) -> None:
        while path:
            folder, _, name = path.rpartition("/")
            names = self._names.setdefault(folder, {})
            if name in names:
                return
            names[name] = None
            path = folder

    def _forget(self, path: str) -> None:
        while path and path not in self and not self._names.get(path):
            self._names.pop(path, None)
            folder, _, name = path.rpartition("/")
            self._names.get(folder, {}).pop(name, None)
            path = folder
