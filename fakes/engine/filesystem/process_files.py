"""Files as a function sees them that does a command's work."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager
from typing import Protocol

from imagebuilders.oci.file_tree import File, clean, resolve

from .files import write_files
from .overlay import Overlay


class OpenFiles(Protocol):
    """Opens the files of a container or step, for the length of a `with` block."""

    def __call__(self, *wanted: str) -> AbstractContextManager[Overlay]:
        """Open them; those at the paths that are wanted have their contents."""
        ...


class ProcessFiles(MutableMapping[str, bytes]):
    """Contents by absolute path; links are followed.

    Args:
        open_files: what gives the files, each time that something is looked at or written.
    """

    def __init__(self, open_files: OpenFiles) -> None:
        self._open = open_files

    def __getitem__(self, path: str) -> bytes:
        with self._open(path) as overlay:
            file = overlay.tree.get(resolve(overlay.tree, path))
            if file is None or file.kind == "dir":
                raise KeyError(path)
            return file.data

    def __setitem__(self, path: str, content: str | bytes) -> None:
        with self._open(path) as overlay:
            write_files(overlay, {path: content})

    def __delitem__(self, path: str) -> None:
        with self._open() as overlay:
            if clean(path) not in overlay.tree:
                raise KeyError(path)
            write_files(overlay, {path: None})

    def __contains__(self, path: object) -> bool:
        with self._open() as overlay:
            return isinstance(path, str) and resolve(overlay.tree, path) in overlay.tree

    def __iter__(self) -> Iterator[str]:
        with self._open() as overlay:
            return iter([f"/{path}" for path, file in overlay.tree.items() if _holds(file)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _holds(file: File) -> bool:
    return file.kind != "dir"
