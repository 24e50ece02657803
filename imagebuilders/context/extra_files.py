"""Files that are put into a context by hand, beside what the walk selects."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable
from dataclasses import field

from imagebuilders.context.content import ContentReader
from imagebuilders.context.entries import Entry, EntryType, encode_path, show_path, sort_key
from imagebuilders.context.folder import Folder
from imagebuilders.context.inspection import entry_of
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.walk import walk
from imagebuilders.control_files import is_there
from imagebuilders.exceptions import BuildContextError
from imagebuilders.lazy_dataclass import dataclass

HELD_SIZE = 4 * 1024 * 1024
"""Files up to this size, in bytes, are read when they are added, and may be gone afterwards."""
HELD_TOTAL = 32 * 1024 * 1024
"""Once that many bytes are held, the rest is read when the archive is made."""

MAX_PATH = 4095
MAX_NAME = 255
"""The longest path and name, in bytes, that Linux unpacks (`PATH_MAX`, `NAME_MAX`)."""


@dataclass
class ExtraFiles:
    """The added entries by their path in the archive."""

    _entries: dict[str, Entry] = field(default_factory=dict)
    _held: int = 0

    def copy(self) -> ExtraFiles:
        """Return a collection of the same entries that grows on its own."""
        return ExtraFiles(dict(self._entries), self._held)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def add(self, source: str | bytes | os.PathLike[str], destination: str) -> None:
        """Add one file: content, or the path of a file that exists.

        Raises:
            BuildContextError: the destination lies outside the archive or clashes with another
                added file, or the source is a directory or cannot be read.
        """
        path = archive_path(destination)
        if isinstance(source, bytes):
            entry = _content(path, source)
        elif not isinstance(source, str | os.PathLike):
            raise BuildContextError(
                f"What is added as {show_path(path)} is neither a path nor content (str or bytes): "
                f"{type(source).__name__}."
            )
        elif is_there(source):
            with ContentReader() as reader:
                entry = self._hold(_file_at(path, os.fsdecode(source)), reader)
        elif isinstance(source, str):
            entry = _content(path, _encoded(source, path))
        else:
            raise BuildContextError(
                f"{show_path(os.fsdecode(source))} does not exist, so it cannot be added to the "
                "build context.",
                path=os.fsdecode(source),
            )
        self._put(entry)

    def add_tree(self, source: str, destination: str) -> None:
        """Add what is in a directory, links as links.

        Args:
            source: the directory.
            destination: its path in the archive; `""` or `.` for the root.

        Raises:
            BuildContextError: as for `add`, or something in it cannot be archived.
            ContextChangedError: something in it changed meanwhile.
        """
        prefix = "" if destination in ("", ".", "/", "./") else archive_path(destination)
        if prefix:
            self._put(Entry(prefix, EntryType.DIRECTORY, 0o755))
        with ContentReader() as reader:
            for entry in walk(os.path.abspath(source), IgnoreRules()).entries():
                path = archive_path(posixpath.join(prefix, entry.path))
                self._put(self._hold(entry._replace(path=path), reader))

    def contents(self) -> dict[str, str | bytes]:
        """Return each added file's content; text as `str`, anything else as `bytes`."""
        contents: dict[str, str | bytes] = {}
        with ContentReader() as reader:
            for path, entry in self._entries.items():
                if entry.type is EntryType.FILE:
                    content = reader.read_whole(entry)
                    try:
                        contents[path] = content.decode()
                    except UnicodeDecodeError:
                        contents[path] = content
        return contents

    def entries(self) -> list[Entry]:
        """Return all entries in the order of a context, with the parents that they need."""
        complete = dict(self._entries)
        for path in self._entries:
            parent = posixpath.dirname(path)
            while parent and parent not in complete:
                complete[parent] = Entry(parent, EntryType.DIRECTORY, 0o755)
                parent = posixpath.dirname(parent)
        return sorted(complete.values(), key=lambda entry: sort_key(entry.path))

    def _hold(self, entry: Entry, reader: ContentReader) -> Entry:
        """Read a small file now."""
        if entry.type is not EntryType.FILE:
            return entry
        if entry.size > min(HELD_SIZE, HELD_TOTAL - self._held):
            return entry
        self._held += entry.size
        return entry._replace(source=reader.read_whole(entry), root="", inode=0, device=0)

    def _put(self, entry: Entry) -> None:
        known = self._entries.get(entry.path)
        if known is not None and (known.type is EntryType.DIRECTORY) != (
            entry.type is EntryType.DIRECTORY
        ):
            raise _clash(entry.path)
        if entry.type is not EntryType.DIRECTORY:
            below = entry.path + "/"
            if known is None and any(path.startswith(below) for path in self._entries):
                raise _clash(entry.path)
        parent = posixpath.dirname(entry.path)
        while parent:
            above = self._entries.get(parent)
            if above is not None and above.type is not EntryType.DIRECTORY:
                raise _clash(parent)
            parent = posixpath.dirname(parent)
        self._entries[entry.path] = entry


def _clash(path: str) -> BuildContextError:
    return BuildContextError(
        f"{show_path(path)} was added both as a file and as a directory.", path=path
    )


def _below_a_file(path: str, entries: Iterable[Entry]) -> BuildContextError:
    below = (entry.path for entry in entries if entry.path.startswith(f"{path}/"))
    added = next(below, path)
    return BuildContextError(
        f"{show_path(added)} was added to the build context, but its folder has a file "
        f"{show_path(path)}. Add it under another path, or leave that file out with the ignore "
        "file.",
        path=added,
    )


def _content(path: str, content: bytes) -> Entry:
    return Entry(path, EntryType.FILE, size=len(content), source=content)


def _encoded(text: str, path: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise BuildContextError(
            f"The text that is added as {show_path(path)} cannot be written as UTF-8: it has a "
            f"lone surrogate at position {error.start}.",
            path=path,
        ) from error


def _file_at(path: str, source: str) -> Entry:
    """Make the entry of a file on disk; links to it are followed, as its user named it."""
    try:
        status = os.stat(source)
    except OSError as error:
        raise BuildContextError(
            f"{show_path(source)} cannot be read: {error.strerror}.", path=source
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise BuildContextError(
            f"{show_path(source)} is a directory: add it with add_directory().", path=source
        )
    if not stat.S_ISREG(status.st_mode):
        raise BuildContextError(
            f"{show_path(source)} is neither a file nor a directory, so it cannot be added to "
            "the build context.",
            path=source,
        )
    return entry_of(path, EntryType.FILE, os.path.abspath(source), status)


def archive_path(destination: str | os.PathLike[str]) -> str:
    """Return the path in the archive that a destination means.

    Raises:
        BuildContextError: no archive, or nobody who unpacks it, can have such a path.
    """
    if not isinstance(destination, str | os.PathLike):
        raise BuildContextError(
            f"{destination!r} is no place in an archive: give a path, such as 'app/settings.json'."
        )
    given = os.fsdecode(destination)
    path = posixpath.normpath("/" + given).lstrip("/")
    outside = posixpath.normpath(given.lstrip("/") or ".")
    if not path or "\0" in path or outside == ".." or outside.startswith("../"):
        raise BuildContextError(
            f"{given!r} is no place in an archive: give a path of a file in it, such as "
            "'app/settings.json'.",
            path=given,
        )
    try:
        length = len(encode_path(path))
        longest = max(map(len, encode_path(path).split(b"/")))
    except UnicodeEncodeError as error:
        raise BuildContextError(
            f"{given!r} is no place in an archive: it has a lone surrogate, which "
            "cannot be written as UTF-8.",
            path=given,
        ) from error
    if length > MAX_PATH or longest > MAX_NAME:
        raise BuildContextError(
            f"{given[:40]!r}… is no place in an archive: Linux has no paths of "
            f"more than {MAX_PATH} bytes, and no names of more than {MAX_NAME}.",
            path=given,
        )
    return path


def overlay(root: Folder, extra: ExtraFiles) -> None:
    """Put added entries into a context; what was added wins.

    Raises:
        BuildContextError: something was added below what is a file of the context.
    """
    added = extra.entries()
    folders = {"": root}
    for entry in added:
        above, _, last = entry.path.rpartition("/")
        folder, name = folders[above], encode_path(last)
        if entry.type is not EntryType.DIRECTORY:
            folder.put(name, entry)
            continue
        known = folder.find(name)
        below = folder.child(name)
        if known is not None and known.type is EntryType.FILE:
            raise _below_a_file(entry.path, added)
        if below is None:  # nothing, or a link: what was added must not land where it leads
            below = Folder(entry.path, "")
            folder.put(name, entry, below)
        folders[entry.path] = below
