"""The files of a container or step, as an emulated shell changes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from imagebuilders.oci.file_tree import File

from ...shell.indexed_tree import IndexedTree
from ..errors import StepError
from .overlay import Overlay

_IMPLIED = File("dir", 0o755)


class OverlayPlace:
    """The files of a container or step, over those of its image."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    @property
    def _tree(self) -> IndexedTree:
        tree = self._overlay.tree
        if not isinstance(tree, IndexedTree):
            tree = self._overlay.tree = IndexedTree(tree)
        return tree

    def get(self, path: str) -> File | None:
        """Return what is at a path; a folder that is only implied counts as there."""
        tree = self._tree
        file = tree.get(path)
        return _IMPLIED if file is None and tree.is_folder(path) else file

    def put(self, path: str, file: File) -> None:
        """Put something at a path.

        Raises:
            OSError: there is no room for it.
        """
        overlay, tree = self._overlay, self._tree
        if not path and _rights(tree.get(path, _IMPLIED)) == _rights(file):
            return  # that something in the root changed is in no layer
        try:
            overlay.check_room(path, file)
        except StepError as error:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"/{path}") from error
        if file.kind == "dir" and path not in tree:
            overlay.note_new_folder(path)
        tree[path] = file
        overlay.touched.add(path)

    def remove(self, path: str) -> None:
        """Take away what is at a path."""
        self._tree.pop(path, None)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        return self._tree.names(folder)


def _rights(file: File) -> tuple[int, int, int]:
    return file.mode, file.uid, file.gid
