"""Files that are put into a context by hand, beside what the walk selects."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagebuilders.context.content import read_whole
from imagebuilders.context.entries import Entry, EntryType, show_path, sort_key
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.context.walk import inspect, select
from imagebuilders.exceptions import BuildContextError

# Files up to this size are read when they are added, so that they may be gone afterwards;
# above it, and once that many bytes are held, they are read when the archive is made.
SNAPSHOT_SIZE = 4 * 1024 * 1024
SNAPSHOT_TOTAL = 32 * 1024 * 1024


@dataclass
class ExtraFiles:
    """The added entries by their path in the archive."""

    _entries: dict[str, Entry] = field(default_factory=dict)
    _held: int = 0

    def copy(self) -> ExtraFiles:
        """Give a collection of the same entries that grows on its own."""
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
        path = _destination(destination)
        if not isinstance(source, bytes) and _exists(source):
            entry = self._from_disk(path, os.fspath(source))
        elif isinstance(source, bytes | str):
            content = (
                source if isinstance(source, bytes) else source.encode("utf-8", "surrogateescape")
            )
            entry = Entry(path, EntryType.FILE, size=len(content), source=content)
        else:
            raise BuildContextError(
                f"{show_path(os.fspath(source))} does not exist, so it cannot be added to the "
                "build context.",
                path=os.fspath(source),
            )
        self._put(entry)

    def add_tree(self, source: str, destination: str) -> None:
        """Add what is in a directory; `destination` may be `""` or `.` for the root.

        Raises:
            BuildContextError: as for `add`, or something in it cannot be archived.
        """
        prefix = "" if destination in ("", ".", "/", "./") else _destination(destination)
        if prefix:
            self._put(Entry(prefix, EntryType.DIRECTORY, 0o755))
        for selected in select(source, IgnoreRules()):
            path = posixpath.join(prefix, selected.path)
            if selected.type is EntryType.DIRECTORY:
                self._put(Entry(path, EntryType.DIRECTORY, 0o755))
            elif selected.type is EntryType.LINK and not os.path.isfile(selected.source):
                self._put(inspect(path, selected.source))
            else:
                self._put(self._from_disk(path, selected.source))

    def contents(self) -> dict[str, str | bytes]:
        """Give each added file's content; text as `str`, anything else as `bytes`."""
        contents: dict[str, str | bytes] = {}
        for path, entry in self._entries.items():
            if entry.type is EntryType.FILE:
                content = read_whole(entry)
                try:
                    contents[path] = content.decode()
                except UnicodeDecodeError:
                    contents[path] = content
        return contents

    def get(self, path: str) -> Entry | None:
        """Give the entry of a path, if it was added."""
        return self._entries.get(path)

    def entries(self) -> list[Entry]:
        """Give all entries in the order of a context, with the parents that they need."""
        complete = dict(self._entries)
        for path in self._entries:
            parent = posixpath.dirname(path)
            while parent and parent not in complete:
                complete[parent] = Entry(parent, EntryType.DIRECTORY, 0o755)
                parent = posixpath.dirname(parent)
        return sorted(complete.values(), key=lambda entry: sort_key(entry.path))

    def _from_disk(self, path: str, source: str) -> Entry:
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
        entry = Entry(
            path,
            EntryType.FILE,
            stat.S_IMODE(status.st_mode),
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
            source=os.path.abspath(source),
        )
        if entry.size <= min(SNAPSHOT_SIZE, SNAPSHOT_TOTAL - self._held):
            self._held += entry.size
            entry = entry._replace(source=read_whole(entry), inode=0, device=0)
        return entry

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


def _below_a_file(path: str, kinds: Mapping[str, EntryType]) -> BuildContextError:
    added = next((other for other in kinds if other.startswith(f"{path}/")), path)
    return BuildContextError(
        f"{show_path(added)} was added to the build context, but its folder has a file "
        f"{show_path(path)}. Add it under another path, or leave that file out with the ignore "
        "file.",
        path=added,
    )


def _exists(source: str | os.PathLike[str]) -> bool:
    return os.path.exists(source)


def _destination(destination: str) -> str:
    path = posixpath.normpath("/" + os.fspath(destination)).lstrip("/")
    outside = posixpath.normpath(os.fspath(destination).lstrip("/") or ".")
    if not path or "\0" in path or outside == ".." or outside.startswith("../"):
        raise BuildContextError(
            f"{destination!r} is no place in an archive: give a path of a file in it, such as "
            "'app/settings.json'.",
            path=os.fspath(destination),
        )
    return path


def overlay(selected: Iterator[Entry], extra: ExtraFiles) -> Iterator[Entry]:
    """Merge added entries into a walk; what was added wins.

    Raises:
        BuildContextError: something was added below what the walk finds to be a file.
    """
    return _merge(selected, extra) if extra else selected


def _merge(selected: Iterator[Entry], extra: ExtraFiles) -> Iterator[Entry]:
    added = extra.entries()
    kinds = {entry.path: entry.type for entry in added}
    at = 0
    hidden = ""  # the added file or link that hides what the walk finds below it
    for entry in selected:
        path = entry.path
        if hidden and path.startswith(hidden):
            continue
        kind = kinds.get(path)
        if kind is not None:
            if kind is not EntryType.DIRECTORY:
                hidden = path + "/"
                continue
            if entry.type is EntryType.FILE:
                raise _below_a_file(path, kinds)
            if entry.type is EntryType.LINK:
                continue  # what was added must not land where the link leads
        key = sort_key(path)
        while at < len(added) and sort_key(added[at].path) < key:
            yield added[at]
            at += 1
        if kind is not None:
            at += 1  # the directory is there already
        yield entry
    yield from added[at:]
