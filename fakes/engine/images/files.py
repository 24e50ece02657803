"""The files of an image by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagebuilders.oci.file_tree import File, Tree, clean


class ImageFiles(Mapping[str, File]):
    """The flattened files of an image; not to be changed.

    A path means the same with a leading slash and without; iterating gives them without.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __getitem__(self, path: str) -> File:
        return self._tree[clean(path)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def __repr__(self) -> str:
        return f"<ImageFiles {', '.join(sorted(self._tree))}>"
