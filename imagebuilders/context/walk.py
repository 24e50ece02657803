"""One ordered pass over a tree.

Parents come first, the names of a directory in byte order, and symbolic links are never
followed. A directory below which nothing can be kept is never opened.

A folder is listed by its path, and everything in it is looked at from the folder above, opened
without following a link. So a folder that is exchanged for a link meanwhile can lead the
listing astray, but no file outside the root is looked at, and the exchange is noticed.
"""

from __future__ import annotations

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
from imagebuilders.context.faults import replaced
from imagebuilders.context.folder import Child, Folder
from imagebuilders.context.inspection import look
from imagebuilders.context.listing import Lister, Listing
from imagebuilders.context.rules import IgnoreRules, Outcome
from imagebuilders.context.status import State, look_one_by_one, states_in
from imagebuilders.folder_opener import FolderOpener

_AT_ONCE = 256 * 1024  # how many bytes of names are taken apart at once
_ROOT: Outcome = (False, 0)
# Makes a named tuple in half the time that calling its class takes; there may be millions.
_new = tuple.__new__


class Selected(NamedTuple):
    """A path that the rules keep, not yet looked at more closely."""

    path: str
    type: EntryType
    source: str


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
    listing: Listing


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
        self._lister = Lister(root, rules)
        self._start = self._lister.start

    def select(self) -> Iterator[Selected]:
        file, link = EntryType.FILE, EntryType.LINK
        listing = self._lister.list_folder("", _ROOT)
        levels: list[tuple[str, str, Iterator[str], Listing, Selected | None]]
        levels = [("", self._start, iter(listing.names), listing, None)]
        waiting: list[Selected] = []  # dropped folders above, told once something in them is kept
        while levels:
            prefix, place, names, (_, links, folders), held = levels[-1]
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
                    below = self._lister.list_folder(path + "/", outcome)
                    held = selected if outcome[0] else None
                    levels.append((path + "/", source + "/", iter(below.names), below, held))
                    break
                if waiting:
                    yield from waiting
                    waiting.clear()
                yield _new(Selected, (path, link if name in links else file, source))
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
        listing = self._lister.list_folder(folder.prefix, outcome)
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
            raise self._lister.failed(entry.path, error) from error
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
            raise self._lister.failed(folder, error) from error
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
            raise self._lister.failed(posixpath.join(folder, name), error) from error
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
            raise self._lister.failed(path, error) from error
        if entry.type is not expected:
            raise replaced(source)
        entry = entry._replace(root=self._start)
        return Child(encode_path(name), position, offset, entry, None)
