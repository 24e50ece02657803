"""What was changed in a tree that was written over another, as an engine finds it."""

from __future__ import annotations

from imagebuilders.oci.file_tree import File, ancestors, parent

from .overlay import Overlay

MODIFIED, ADDED, DELETED = 0, 1, 2


def changes(overlay: Overlay) -> dict[str, int]:
    """Return the kind of change by path, without a leading slash.

    A file of the same size and time counts as the same, whatever it holds, and a folder whatever
    its time; every folder above a change counts as changed. Of a folder that was removed, or that
    a file took the place of, only the folder itself is told.
    """
    found: dict[str, int] = {}
    for name in {*overlay.tree, *overlay.lower}:
        old, new = overlay.lower.get(name), overlay.tree.get(name)
        if new is None:
            if _is_folder(overlay, parent(name)):
                found[name] = DELETED
        elif old is None:
            found[name] = ADDED
        elif _seen(old) != _seen(new):
            found[name] = MODIFIED
    for name in list(found):
        for above in ancestors(name):
            found.setdefault(above, MODIFIED)
    return found


def _is_folder(overlay: Overlay, path: str) -> bool:
    return not path or (path in overlay.tree and overlay.tree[path].kind == "dir")


def _seen(file: File) -> tuple[object, ...]:
    """What of a file is compared."""
    of_all = file.kind, file.mode, file.uid, file.gid
    return of_all if file.kind == "dir" else (*of_all, file.mtime, len(file.data), file.link)
