"""The folders of the client that a daemon may copy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from imagebuilders.context.content_times import ContentTimes
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.folder import Folder
from imagebuilders.context.followed_paths import has_wildcard
from imagebuilders.context.manifest import ContentHasher
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.reapply import keeping_line
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.walk import walk
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Request:
    """What a daemon asks of a folder.

    Attributes:
        follow: paths that are followed through links.
        include: patterns of what it wants, beside those.
        exclude: patterns of what it does not want.
    """

    follow: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class SyncedFolder(Protocol):
    """A folder that a daemon may copy."""

    def content(self, request: Request) -> Folder:
        """Return what is in the folder, without what the daemon does not want.

        Raises:
            ImageBuilderError: it cannot be read.
            RuleError: one of the daemon's patterns is malformed.
        """
        ...

    def times(self, request: Request) -> ContentTimes | None:
        """Return the times of what `content` returns; `None` when they are its own.

        Raises:
            ImageBuilderError: it cannot be read.
            RuleError: one of the daemon's patterns is malformed.
        """
        ...

    def told(self, paths: Iterable[str]) -> None:
        """Note the paths of the files that the daemon was told of."""
        ...

    def state(self) -> bytes:
        """Return what two folders share that are the same."""
        ...


def _forget(_paths: Iterable[str]) -> None:
    """Nobody wants to know."""


class PackedFolder:
    """A folder whose content is known: a snapshot of a context, or files in memory.

    What the daemon does not want is sent all the same: the snapshot's rules alone decide what is
    in it.
    """

    def __init__(
        self,
        folder: Folder,
        told: Callable[[Iterable[str]], None] = _forget,
        *,
        times: ContentTimes | None = None,
    ) -> None:
        """Make a folder.

        Args:
            folder: its content.
            told: takes the paths of the files that a daemon was told of.
            times: times of its files in place of their own.
        """
        self._folder = folder
        self._told = told
        self._times = times

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> PackedFolder:
        """Return a folder of entries that come in the order of a context, parents first."""
        return cls(pack_entries(entries))

    def content(self, request: Request) -> Folder:  # noqa: ARG002  (the protocol's)
        """Return what is in the folder."""
        return self._folder

    def times(self, request: Request) -> ContentTimes | None:  # noqa: ARG002  (the protocol's)
        """Return the times of the files."""
        return self._times

    def told(self, paths: Iterable[str]) -> None:
        """Pass the paths of the files that the daemon was told of on."""
        self._told(paths)

    def state(self) -> bytes:
        """Return a digest of what was found in it."""
        return self._folder.state_digest()


class LocalFolder:
    """A folder on disk, of which the daemon reads the ignore file; it is walked when asked for."""

    def __init__(self, path: str, *, has_content_times: bool = False) -> None:
        """Make a folder.

        Args:
            path: where it is.
            has_content_times: whether its files have times made of their content.
        """
        self._path = path
        self._has_content_times = has_content_times
        self._lock = threading.Lock()
        self._walked: dict[tuple[str, ...], Folder] = {}

    def content(self, request: Request) -> Folder:
        """Return what is in the folder, without what the daemon does not want."""
        if request.follow and not (request.include or request.exclude):
            # Such as the question for the ignore file: no need to walk all of the folder.
            found = self._only(request.follow)
            if found is not None:
                return found
        with self._lock:
            walked = self._walked.get(request.exclude)
            if walked is None:
                walked = walk(self._path, IgnoreRules.compile(request.exclude))
                self._walked[request.exclude] = walked
            return walked

    def times(self, request: Request) -> ContentTimes | None:
        """Return times made of the files' content, if they are to have such."""
        if not self._has_content_times:
            return None
        with ContentHasher() as hasher:
            return ContentTimes(self.content(request), hasher)

    def told(self, paths: Iterable[str]) -> None:
        """Nobody wants to know."""

    def state(self) -> bytes:
        """Return its path: what is in it is found out when the daemon asks."""
        return self._path.encode("utf-8", "surrogateescape")

    def _only(self, names: tuple[str, ...]) -> Folder | None:
        """Return the folder with nothing but some names in it; `None` when they lead further."""
        if any(has_wildcard(name) or "/" in name or name in ("", ".", "..") for name in names):
            return None
        found = walk(self._path, IgnoreRules.compile(["*", *map(keeping_line, names)]))
        return None if _has_link(found) else found


def _has_link(root: Folder) -> bool:
    waiting = [root]
    while waiting:
        for child in waiting.pop().children:
            if child.entry.type is EntryType.LINK:
                return True
            if child.folder is not None:
                waiting.append(child.folder)
    return False
