"""The files of a step, as an emulated shell changes them."""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.evaluation.file_system import FileSystem, Place
from imagebuilders.evaluation.trees import Folder
from imagebuilders.oci.file_tree import File


class FolderPlace:
    """A folder or file of a step's files, as a part of what processes see.

    Args:
        files: of the step, or of a mount.
        source: the folder or file of them that is meant; empty for all.
    """

    def __init__(self, files: FileSystem, source: str = "") -> None:
        self._files = files
        self._source = source

    def get(self, path: str) -> File | None:
        """Return what is at a path, no link followed."""
        entry = self._place(path).entry()
        return entry.file if isinstance(entry, Folder) else entry

    def put(self, path: str, file: File) -> None:
        """Put something at a path, in place of what is there; what is below a folder stays."""
        place = self._place(path)
        if place.entry() is not None:
            place.set_file(file)
        elif file.kind == "dir":
            place.make_folder(file.mode)
            place.set_file(file)
        else:
            place.put(file)

    def remove(self, path: str) -> None:
        """Take away what is at a path; a folder is empty."""
        self._place(path).remove()

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder, in any order."""
        found = self._place(folder).folder()
        return [] if found is None else list(found.names)

    def _place(self, path: str) -> Place:
        return self._files.place("/".join(part for part in (self._source, path) if part))
