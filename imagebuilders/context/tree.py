"""Finding and replacing what stands at a path of a packed context."""

from __future__ import annotations

from imagebuilders.context.entries import Entry, EntryType, decode_path, encode_path
from imagebuilders.context.folder import Folder


def find(root: Folder, path: str) -> Entry | None:
    """Return the entry of a path in a context."""
    folder: Folder | None = root
    *above, last = encode_path(path).split(b"/")
    for name in above:
        folder = folder and folder.child(name)
    return None if folder is None else folder.find(last)


def find_folder(root: Folder, path: str) -> Folder | None:
    """Return what is in a directory of a context."""
    folder: Folder | None = root
    for name in encode_path(path).split(b"/") if path else ():
        folder = folder and folder.child(name)
    return folder


def replace(root: Folder, entry: Entry) -> Folder:
    """Return a copy of a context in which an entry stands at its path.

    The directories above it that are not there yet are made.
    """
    root = folder = root.copy()
    *above, last = encode_path(entry.path).split(b"/")
    for name in above:
        path = folder.prefix + decode_path(name)
        known = folder.find(name)
        below = folder.child(name)
        below = Folder(path, "") if below is None else below.copy()
        if known is None or known.type is not EntryType.DIRECTORY:
            known = Entry(path, EntryType.DIRECTORY, 0o755)
        folder.put(name, known, below)
        folder = below
    folder.put(last, entry)
    return root
