"""Packing entries that do not come from a walk."""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.context.entries import Entry, EntryType, decode_path, encode_path
from imagebuilders.context.folder import Child, Folder, pack_file


def pack_entries(entries: Iterable[Entry]) -> Folder:
    """Return the root folder of entries that come in the order of a context, parents first."""
    folders = {"": _Packing("")}
    for entry in entries:
        above, _, name = entry.path.rpartition("/")
        below = None
        if entry.type is EntryType.DIRECTORY:
            packing = folders[entry.path] = _Packing(entry.path)
            below = packing.folder
        folders[above].add(encode_path(name), entry, below)
    for packing in folders.values():
        packing.finish()
    return folders[""].folder


class _Packing:
    """A folder that is being filled."""

    def __init__(self, path: str) -> None:
        self.folder = Folder(path, "")
        self._names: list[bytes] = []
        self._offset = 0
        self._states: list[bytes] = []
        self._sources: dict[str, tuple[str, str]] = {}

    def add(self, name: bytes, entry: Entry, below: Folder | None) -> None:
        packed = pack_file(entry)
        if packed is None:
            child = Child(name, len(self._names), self._offset, entry, below)
            self.folder.children.append(child)
            return
        self._names.append(name)
        self._offset += len(name) + 1
        self._states.append(packed)
        self._sources[decode_path(name)] = (str(entry.source), entry.root)

    def finish(self) -> None:
        names = b"\0".join([*self._names, b""])
        self.folder.set_files(names, b"".join(self._states), {}, self._sources)
