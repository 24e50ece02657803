"""Which entries of a folder a daemon asks for: paths that are followed through links.

https://github.com/tonistiigi/fsutil (`FollowLinks`): a path may have wildcards; a link on the
way is sent too, and so is what it leads to, as long as that lies in the folder.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Mapping, Sequence

from imagebuilders.context.entries import Entry, EntryType

_MAX_LINKS = 255
_WILDCARDS = frozenset("*?[\\")


def followed(entries: Sequence[Entry], paths: Iterable[str]) -> list[Entry]:
    """Return the entries at some paths, what is below them, and the folders above them.

    Args:
        entries: all entries, parents first.
        paths: paths relative to the folder; one that leads to the folder itself means all.
    """
    tree = _Tree(entries)
    roots: set[str] = set()
    for path in paths:
        tree.follow([part for part in path.split("/") if part not in ("", ".")], roots)
    if "" in roots:
        return list(entries)
    above = {parent for root in roots for parent in _parents(root)}
    kept: list[Entry] = []
    below = ""
    for entry in entries:
        path = entry.path
        if below and path.startswith(below):
            kept.append(entry)
        elif path in roots:
            kept.append(entry)
            below = f"{path}/"
        elif path in above:
            kept.append(entry)
    return kept


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


class _Tree:
    """The entries by path, and by the folder that they are in."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = {entry.path: entry for entry in entries}
        self._names: Mapping[str, list[str]] | None = None
        self._links = 0

    def follow(self, parts: list[str], roots: set[str], at: str = "") -> None:
        """Add to `roots` what a path leads to, and the links on the way."""
        while parts:
            part, parts = parts[0], parts[1:]
            if part == "..":
                at = posixpath.dirname(at)
                continue
            if _WILDCARDS & set(part):
                for name in self._matching(at, part):
                    self.follow([name, *parts], roots, at)
                return
            at = f"{at}/{part}" if at else part
            entry = self._entries.get(at)
            if entry is None:
                return
            if entry.type is EntryType.LINK:
                roots.add(at)
                self._links += 1
                if self._links > _MAX_LINKS:
                    return
                target = [step for step in entry.target.split("/") if step not in ("", ".")]
                start = "" if entry.target.startswith("/") else posixpath.dirname(at)
                self.follow([*target, *parts], roots, start)
                return
        roots.add(at)

    def _matching(self, folder: str, pattern: str) -> list[str]:
        if self._names is None:
            names: dict[str, list[str]] = {}
            for path in self._entries:
                names.setdefault(posixpath.dirname(path), []).append(posixpath.basename(path))
            self._names = names
        return [name for name in self._names.get(folder, ()) if fnmatch.fnmatchcase(name, pattern)]
