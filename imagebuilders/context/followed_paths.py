"""Which paths of a folder a daemon asks for when it has them followed through links.

The rules are those of https://github.com/tonistiigi/fsutil (`FollowLinks`): a path is taken apart
name by name; a link on the way is sent, too, and the rest of the path counts from where it leads,
which never is outside the folder. A name with a wildcard stands for the links that it fits. What
comes out is patterns, for what the wildcards fit besides links.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator

from imagebuilders.context.entries import EntryType, decode_path
from imagebuilders.context.folder import Folder
from imagebuilders.context.tree import find_folder
from imagebuilders.go_text import GlobSyntaxError, clean_path, match_glob

Links = Callable[[str], Iterable[tuple[str, str]]]
"""Yields the names of the links in a folder, and where they lead; the root is `""`."""

MAX_LINKS = 255
"""So many links may stand on the way of one path, as in https://pkg.go.dev/os#Root."""

MAX_STEPS = 100_000
"""So many names are looked up for all paths of one call."""


class TooManyStepsError(ValueError):
    """The paths of one call lead through too many links and wildcards."""


def has_wildcard(name: str) -> bool:
    """Return whether a name stands for more than itself."""
    is_escaped = False
    for char in name:
        if is_escaped:
            is_escaped = False
        elif char == "\\":
            is_escaped = True
        elif char in "*?[":
            return True
    return False


def follow_links(root: Folder, paths: Iterable[str]) -> list[str] | None:
    """Return the patterns of what some paths lead to, and of the links on the way.

    Args:
        root: the folder.
        paths: paths relative to the folder.

    Returns:
        The patterns, sorted; `None` when a path leads to the folder itself, so that all is
        asked for.

    Raises:
        TooManyStepsError: there are too many links and wildcards.
    """

    def links(folder: str) -> Iterator[tuple[str, str]]:
        inside = find_folder(root, folder)
        for child in () if inside is None else inside.children:
            if child.entry.type is EntryType.LINK:
                yield decode_path(child.name), child.entry.target

    return followed_patterns(links, paths)


def followed_patterns(links: Links, paths: Iterable[str]) -> list[str] | None:
    """Return what `follow_links` does of any folder.

    Args:
        links: knows its links.
        paths: paths relative to it.

    Raises:
        TooManyStepsError: there are too many links and wildcards.
    """
    following = _Following(links)
    for path in paths:
        following.follow(path)
    found = sorted(following.found)
    return None if "." in following.found else found


class _Following:
    """The paths of one call."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._steps = 0
        self._seen: set[tuple[str, str]] = set()
        self.found: set[str] = set()

    def follow(self, path: str) -> None:
        """Add what a path leads to."""
        waiting = [(path, 0)]
        while waiting:
            path, links = waiting.pop()
            waiting.extend(self._follow(clean_path(path).lstrip("/") or ".", links))

    def _follow(self, path: str, links: int) -> list[tuple[str, int]]:
        """Follow a path up to its end or the first link; return what goes on from there."""
        at = ""
        left = path.split("/")
        while left:
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise TooManyStepsError("the paths lead through too many links and wildcards")
            name, *left = left
            targets = self._targets(at, name)
            at = f"{at}/{name}" if at else name
            if not targets:
                continue
            rest = "/".join(left)
            self.found.add(at)
            if links >= MAX_LINKS or (at, rest) in self._seen:
                return []
            self._seen.add((at, rest))
            return [(posixpath.join(target, rest), links + 1) for target in targets]
        self.found.add(at)
        return []

    def _targets(self, folder: str, name: str) -> list[str]:
        """Return where the links lead that a name in a folder stands for."""
        is_wild = has_wildcard(name)
        return [
            posixpath.join("/", folder, target)
            for link, target in self._links(folder)
            if (_fits(name, link) if is_wild else link == name)
        ]


def _fits(pattern: str, name: str) -> bool:
    try:
        return match_glob(pattern, name)
    except GlobSyntaxError:
        return False
