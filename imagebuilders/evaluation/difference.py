"""The layer that a step makes: where the tree behind it differs from the one before it.

A daemon reads it off the upper folder of an overlay. BuildKit leaves out what is there the same
as below (containerd's rules, https://github.com/containerd/continuity/blob/main/fs/diff.go);
Docker's graph driver writes all that was written, and marks folders that were made anew as opaque.
"""

from __future__ import annotations

from imagebuilders.evaluation.trees import Folder, name_key
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer import OPAQUE, WHITEOUT
from imagebuilders.oci.members import Member
from imagebuilders.oci.tar_writer import CAPABILITIES

_NOTHING = File("file", 0)


def difference(lower: Folder | None, upper: Folder, *, compares: bool = True) -> list[Member]:
    """Return the entries of the layer that makes one tree of another, in a daemon's order.

    Args:
        lower: the tree before; `None` if there was none.
        upper: the tree behind.
        compares: what was written again the same is left out, as by BuildKit; without it
            everything that was written is in the layer, as by the graph driver.

    Raises:
        ImageBuilderError: contents that have to be compared cannot be read.
    """
    found = _Compared() if compares else _Written()
    found.walk(lower, upper, "")
    return found.entries


class _Walk:
    """One walk through both trees.

    Attributes:
        entries: what was found.
    """

    def __init__(self) -> None:
        self.entries: list[Member] = []
        self._linked: dict[int, str] = {}

    def _add_file(self, path: str, file: File) -> None:
        first = self._linked.setdefault(file.inode, path) if file.inode else path
        if first != path:
            self.entries.append(Member(path, file, hard_link=first))
        else:
            self.entries.append(Member(path, file, size=file.size if file.kind == "file" else 0))


class _Compared(_Walk):
    """What BuildKit finds."""

    def __init__(self) -> None:
        super().__init__()
        self._above: list[tuple[str, Folder]] = []  # folders that are in no entry yet

    def walk(self, lower: Folder | None, upper: Folder, prefix: str) -> None:
        """Find what differs between two folders."""
        below = {} if lower is None else lower.names
        for name in sorted(below.keys() | upper.names.keys(), key=name_key):
            old, new = below.get(name), upper.names.get(name)
            if new is None:
                self._add_parents()
                self.entries.append(Member(f"{prefix}{WHITEOUT}{name}", _NOTHING))
            elif isinstance(new, Folder):
                if new is not old:
                    self._folder(old, new, prefix + name)
            elif new is not old and not (isinstance(old, File) and _is_same(old, new)):
                self._add_parents()
                self._add_file(prefix + name, new)

    def _folder(self, old: File | Folder | None, new: Folder, path: str) -> None:
        self._above.append((path, new))
        known = len(self._above)
        if not isinstance(old, Folder) or not _has_same_status(old.file, new.file):
            self._add_parents()
        self.walk(old if isinstance(old, Folder) else None, new, path + "/")
        if len(self._above) == known:
            self._above.pop()

    def _add_parents(self) -> None:
        """Add the folders that lead to what is added now."""
        for path, folder in self._above:
            self.entries.append(Member(path + "/", folder.file))
        self._above.clear()


class _Written(_Walk):
    """What the graph driver finds."""

    def walk(self, lower: Folder | None, upper: Folder, prefix: str) -> None:
        """Find what was written in two folders."""
        below = {} if lower is None else lower.names
        for name in sorted(below.keys() | upper.names.keys(), key=name_key):
            old, new = below.get(name), upper.names.get(name)
            if new is None:
                self.entries.append(Member(f"{prefix}{WHITEOUT}{name}", _NOTHING))
            elif new is old:
                continue
            elif isinstance(new, Folder):
                self._folder(old, new, prefix + name)
            else:
                self._add_file(prefix + name, new)

    def _folder(self, old: File | Folder | None, new: Folder, path: str) -> None:
        self.entries.append(Member(path + "/", new.file))
        goes_on = isinstance(old, Folder) and old.lineage is new.lineage
        if old is not None and not goes_on:
            mark = File("file", new.file.mode, new.file.uid, new.file.gid)
            self.entries.append(Member(f"{path}/{OPAQUE}", mark))
        self.walk(old if isinstance(old, Folder) and goes_on else None, new, path + "/")


def _has_same_status(old: File, new: File) -> bool:
    """Whether kind, mode, owner, device and capabilities are the same."""
    return (old.kind, old.mode, old.uid, old.gid, old.device) == (
        new.kind,
        new.mode,
        new.uid,
        new.gid,
        new.device,
    ) and _capabilities(old) == _capabilities(new)


def _is_same(old: File, new: File) -> bool:
    """Whether a daemon takes two files for the same.

    It reads them only if both times are whole seconds, as those from archives are.
    """
    if not _has_same_status(old, new) or old.size != new.size or old.mtime != new.mtime:
        return False
    if old.nanoseconds or new.nanoseconds:
        return old.nanoseconds == new.nanoseconds
    if new.kind == "symlink":
        return old.link == new.link
    return new.kind != "file" or has_same_content(old, new)


def has_same_content(first: File, second: File) -> bool:
    """Whether there are the same bytes in two regular files of one size."""
    if first.content is not None and second.content is not None:
        return first.content is second.content or (
            first.content.digest() == second.content.digest()
        )
    return b"".join(first.pieces()) == b"".join(second.pieces())


def _capabilities(file: File) -> str:
    return dict(file.xattrs).get(CAPABILITIES, "") if file.xattrs else ""
