"""One ordered pass over a tree.

Parents come first, the names of a directory in byte order, and symbolic links are never
followed. A directory below which nothing can be kept is never opened.

A folder is listed by its path, and everything in it is looked at from the folder above, opened
without following a link. So a folder that is exchanged for a link meanwhile can lead the
listing astray, but no file outside the root is looked at, and the exchange is noticed.
"""

from __future__ import annotations

import errno
import os
import posixpath
import struct
from collections.abc import Iterator
from typing import NamedTuple

from imagebuilders.context.entries import (
    UTF8_NAMES,
    Entry,
    EntryType,
    context_name,
    disk_name,
    encode_path,
)
from imagebuilders.context.faults import bad_root, no_file, replaced, unreadable, vanished
from imagebuilders.context.folder import Child, Folder
from imagebuilders.context.inspection import look
from imagebuilders.context.opener import FolderOpener
from imagebuilders.context.rules import IgnoreRules, Outcome
from imagebuilders.context.status import State, look_one_by_one, states_in

_AT_ONCE = 256 * 1024  # how many bytes of names are taken apart at once
_ROOT: Outcome = (False, 0)
# Makes a named tuple in half the time that calling its class takes; there may be millions.
_new = tuple.__new__


class Selected(NamedTuple):
    """A path that the rules keep, not yet looked at more closely."""

    path: str
    type: EntryType
    source: str


class _Listing(NamedTuple):
    """What is of interest in a folder: the names in order, and which of them are no files."""

    names: list[str]
    links: set[str]
    folders: dict[str, Outcome]


class _Level(NamedTuple):
    """A folder that is being walked.

    Attributes:
        folder: what was found in it so far.
        place: what becomes of it in the folder above.
        is_kept: whether it is kept though nothing is in it.
        others: the names in it that are no files, each with its place among the files.
        listing: all the names in it.
    """

    folder: Folder
    place: Child | None
    is_kept: bool
    others: Iterator[tuple[str, int, int]]
    listing: _Listing


def select(root: str, rules: IgnoreRules) -> Iterator[Selected]:
    """Walk `root` and yield what the rules keep, and the parents of what they keep, in order.

    Nothing is looked at but names and types.

    Raises:
        BuildContextError: there is no such directory, a directory cannot be read, or something
            that is kept is no file, directory or symbolic link.
        ContextChangedError: a directory vanished or was replaced meanwhile.
        RuleError: a pattern turns out to be malformed when it is first tried.
    """
    return _Walk(root, rules).select()


def walk(root: str, rules: IgnoreRules) -> Folder:
    """Walk `root` and return what `select` selects, looked at and packed.

    Raises:
        BuildContextError, ContextChangedError, RuleError: as for `select`; or a file vanished.
    """
    with FolderOpener(root) as opener:
        return _Walk(root, rules).folder(opener)


class _Walk:
    """A walk of a root by rules."""

    def __init__(self, root: str, rules: IgnoreRules) -> None:
        try:
            os.lstat(root)
        except OSError:
            pass  # found out when it is listed
        except ValueError as error:
            raise bad_root(root, error) from error
        self._root = root
        self._start = os.path.join(root, "")
        self._rules = rules

    def select(self) -> Iterator[Selected]:
        listing = self._list("", _ROOT)
        levels: list[tuple[str, Iterator[str], _Listing, Selected | None]]
        levels = [("", iter(listing.names), listing, None)]
        waiting: list[Selected] = []  # dropped folders above, told once something in them is kept
        while levels:
            prefix, names, (_, links, folders), held = levels[-1]
            place = self._start + disk_name(prefix)
            for name in names:
                path = prefix + name
                source = place + (name if UTF8_NAMES else disk_name(name))
                if name in folders:
                    outcome = folders[name]
                    selected = Selected(path, EntryType.DIRECTORY, source)
                    waiting.append(selected)
                    if not outcome[0]:
                        yield from waiting
                        waiting.clear()
                    below = self._list(path + "/", outcome)
                    held = selected if outcome[0] else None
                    levels.append((path + "/", iter(below.names), below, held))
                    break
                if waiting:
                    yield from waiting
                    waiting.clear()
                yield _new(
                    Selected, (path, EntryType.LINK if name in links else EntryType.FILE, source)
                )
            else:
                levels.pop()
                if waiting and waiting[-1] is held:
                    waiting.pop()

    def folder(self, opener: FolderOpener) -> Folder:
        levels = [self._enter(opener, "", None, _ROOT)]
        while True:
            level = levels[-1]
            for name, position, offset in level.others:
                place = self._place(opener, level, name, position, offset)
                if name in level.listing.folders:
                    path = level.folder.prefix + name
                    outcome = level.listing.folders[name]
                    levels.append(self._enter(opener, path, place, outcome))
                    break
                level.folder.children.append(place)
            else:
                levels.pop()
                if level.place is None:
                    return level.folder
                if level.is_kept or not level.folder.is_empty:
                    above = levels[-1].folder
                    above.children.append(level.place._replace(folder=level.folder))

    def _enter(
        self, opener: FolderOpener, path: str, place: Child | None, outcome: Outcome
    ) -> _Level:
        """List a folder, and look at the files in it."""
        folder = Folder(path, self._start)
        listing = self._list(folder.prefix, outcome)
        if place is not None:
            self._check_listed(place.entry)
        names, links, folders = listing
        others: list[tuple[str, int, int]] = []
        if links or folders:
            names = []
            offset = 0
            for name in listing.names:
                if name in folders or name in links:
                    others.append((name, len(names), offset))
                else:
                    names.append(name)
                    offset += len(encode_path(name)) + 1
        if names:
            packed = encode_path("\0".join([*names, ""]))
            names.clear()
            listing.names.clear()
            states, odd = self._states(opener, path, packed)
            folder.set_files(packed, states, odd)
        return _Level(folder, place, not outcome[0], iter(others), listing)

    def _check_listed(self, entry: Entry) -> None:
        """Raise `ContextChangedError` unless what was listed is the folder of this entry."""
        try:
            status = os.stat(str(entry.source))
        except OSError as error:
            raise self._failed(entry.path, error) from error
        if (status.st_ino, status.st_dev) != (entry.inode, entry.device):
            raise replaced(str(entry.source))

    def _states(
        self, opener: FolderOpener, folder: str, names: bytes
    ) -> tuple[bytes, dict[bytes, State]]:
        """Look at the files in a folder."""
        states: list[bytes] = []
        odd: dict[bytes, State] = {}
        at = 0
        try:
            descriptor = opener.folder(disk_name(folder))
        except OSError as error:
            raise self._failed(folder, error) from error
        try:
            while at < len(names):
                end = names.find(b"\0", at + _AT_ONCE) + 1 or len(names)
                batch = names[at : end - 1].split(b"\0")
                try:
                    states.append(b"".join(states_in(descriptor, batch)))
                except struct.error:
                    states.append(look_one_by_one(descriptor, batch, odd))
                at = end
        except OSError as error:
            name = context_name(os.fsdecode(error.filename or ""))
            raise self._failed(posixpath.join(folder, name), error) from error
        return b"".join(states), odd

    def _place(
        self, opener: FolderOpener, level: _Level, name: str, position: int, offset: int
    ) -> Child:
        """Look at a link or directory."""
        path = level.folder.prefix + name
        source = self._start + disk_name(path)
        expected = EntryType.LINK if name in level.listing.links else EntryType.DIRECTORY
        try:
            descriptor = opener.folder(disk_name(level.folder.path))
            entry = look(path, source, disk_name(name), descriptor)
        except OSError as error:
            raise self._failed(path, error) from error
        if entry.type is not expected:
            raise replaced(source)
        entry = entry._replace(root=self._start)
        return Child(encode_path(name), position, offset, entry, None)

    def _list(self, prefix: str, outcome: Outcome) -> _Listing:
        """List a folder: what is kept, and the folders below which something may be kept."""
        names: list[str] = []
        links: set[str] = set()
        folders: dict[str, Outcome] = {}
        excluded, hits = outcome
        judge = self._rules.in_folder(prefix, hits)
        try:
            with os.scandir(self._start + disk_name(prefix[:-1])) as scan:
                for found in scan:
                    name = found.name if UTF8_NAMES else context_name(found.name)
                    result = judge(name)
                    if not found.is_file(follow_symlinks=False):
                        if found.is_dir(follow_symlinks=False):
                            if not result[0] or self._rules.may_keep_below(
                                f"{prefix}{name}/", result[1]
                            ):
                                folders[name] = result
                                names.append(name)
                            continue
                        if result[0]:
                            continue
                        if not found.is_symlink():
                            path = prefix + name
                            raise no_file(self._start + disk_name(path), path, _mode(found))
                        links.add(name)
                    if not result[0]:
                        names.append(name)
        except OSError as error:
            if excluded and isinstance(error, PermissionError):
                # As Docker does: what may not be read below a dropped folder is dropped.
                return _Listing([], set(), {})
            raise self._failed(prefix[:-1], error) from error
        _sort(names)
        return _Listing(names, links, folders)

    def _failed(self, path: str, error: OSError) -> Exception:
        """Return the error of a path that cannot be looked at or listed."""
        if not path:
            return bad_root(self._root, error)
        source = self._start + disk_name(path)
        if isinstance(error, FileNotFoundError):
            return vanished(source)
        # A link opened as a folder is no folder to Linux, and one link too many elsewhere.
        if isinstance(error, NotADirectoryError) or error.errno == errno.ELOOP:
            return replaced(source)
        return unreadable(source, path, error)


def _sort(names: list[str]) -> None:
    """Sort names by their bytes."""
    names.sort()
    # Code points sort as their UTF-8 does, except for the stand-ins of bytes that are no UTF-8.
    if not all(map(str.isascii, names)) and any(map(_has_stray_bytes, names)):
        names.sort(key=encode_path)


def _has_stray_bytes(name: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in name)


def _mode(found: os.DirEntry[str]) -> int:
    try:
        return found.stat(follow_symlinks=False).st_mode
    except OSError:
        return 0
