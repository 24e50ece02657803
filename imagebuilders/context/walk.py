"""One ordered pass over a tree.

Parents come first, the names of a directory in byte order, and symbolic links are never
followed. A directory below which nothing can be kept is never opened.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from typing import NamedTuple

from imagebuilders.context.entries import Entry, EntryType, encode_path, show_path
from imagebuilders.context.patterns import excluding_line
from imagebuilders.context.rules import IgnoreRules, Outcome
from imagebuilders.exceptions import BuildContextError, ContextChangedError

# Makes a named tuple in half the time that calling its class takes; there may be millions.
_new = tuple.__new__
_UTF8_NAMES = sys.getfilesystemencoding() in ("utf-8", "utf8")


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
    """A folder that is being walked."""

    prefix: str
    source: str
    names: Iterator[str]
    listing: _Listing
    waiting: Selected | None


def select(root: str, rules: IgnoreRules) -> Iterator[Selected]:
    """Walk `root` and give what the rules keep, and the parents of what they keep, in order.

    Raises:
        BuildContextError: there is no such directory, a directory cannot be read, or something
            that is kept is no file, directory or symbolic link.
        RuleError: a pattern turns out to be malformed when it is first tried.
    """
    file, link, folder_type = EntryType.FILE, EntryType.LINK, EntryType.DIRECTORY
    start = os.path.join(root, "")
    listing = _list(root, "", (False, 0), rules)
    levels = [_Level("", start, iter(listing.names), listing, None)]
    waiting: list[Selected] = []  # dropped folders above, listed once something in them is kept
    while levels:
        prefix, source, names, (_, links, folders), held = levels[-1]
        for name in names:
            path = prefix + name
            if name in folders:
                outcome = folders[name]
                place = source + (name if _UTF8_NAMES else disk_name(name))
                selected = Selected(path, folder_type, place)
                if outcome[0]:
                    waiting.append(selected)
                else:
                    if waiting:
                        yield from waiting
                        waiting.clear()
                    yield selected
                below = _list(place, path + "/", outcome, rules)
                held = selected if outcome[0] else None
                levels.append(_Level(path + "/", place + "/", iter(below.names), below, held))
                break
            if waiting:
                yield from waiting
                waiting.clear()
            place = source + (name if _UTF8_NAMES else disk_name(name))
            yield _new(Selected, (path, link if name in links else file, place))
        else:
            levels.pop()
            if waiting and waiting[-1] is held:
                waiting.pop()


def _list(directory: str, prefix: str, outcome: Outcome, rules: IgnoreRules) -> _Listing:
    """List a folder: what is kept in it, and the folders below which something may be kept."""
    names: list[str] = []
    links: set[str] = set()
    folders: dict[str, Outcome] = {}
    excluded, hits = outcome
    judge = rules.in_folder(prefix, hits)
    try:
        with os.scandir(directory) as scan:
            for found in scan:
                name = found.name if _UTF8_NAMES else context_name(found.name)
                result = judge(name)
                if not found.is_file(follow_symlinks=False):
                    if found.is_dir(follow_symlinks=False):
                        if result[0] and not rules.may_keep_below(f"{prefix}{name}/", result[1]):
                            continue
                        folders[name] = result
                        names.append(name)
                        continue
                    if result[0]:
                        continue
                    if not found.is_symlink():
                        raise _no_file(found.path, prefix + name, _mode(found))
                    links.add(name)
                if not result[0]:
                    names.append(name)
    except OSError as error:
        if excluded and isinstance(error, PermissionError):
            # As Docker does: what may not be read below a dropped folder is dropped.
            return _Listing([], set(), {})
        raise _unlistable(directory, prefix[:-1], error) from error
    _sort(names)
    return _Listing(names, links, folders)


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


def _unlistable(directory: str, path: str, error: OSError) -> Exception:
    shown = show_path(directory)
    if not path:
        if not directory:
            shown, reason = "''", "is an empty path; give '.' for the working directory"
        elif isinstance(error, FileNotFoundError):
            reason = "does not exist"
        elif isinstance(error, NotADirectoryError):
            reason = "is no directory; give the directory that holds the files"
        else:
            reason = f"cannot be read: {error.strerror}"
        return BuildContextError(
            f"The root of the build context, {shown}, {reason}.", path=directory
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return _vanished(directory)
    return BuildContextError(
        f"The directory {shown} cannot be read: {error.strerror}. Change its permissions, or "
        f"exclude it with the line {excluding_line(path)} in the ignore file.",
        path=directory,
    )


def _vanished(source: str) -> ContextChangedError:
    return ContextChangedError(
        f"{show_path(source)} vanished while the build context was read. Build again when nothing "
        "writes to the context, or exclude the path in the ignore file.",
        path=source,
    )


def inspect(path: str, source: str | None) -> Entry:
    """Look at a path on disk and make the entry of a path in the archive; `None`: a directory.

    Raises:
        BuildContextError: there is no such path, or it is no file, directory or symbolic link.
    """
    if source is None:
        return Entry(path, EntryType.DIRECTORY, 0o755)
    try:
        status = os.lstat(source)
        mode = status.st_mode
        kind = _KINDS.get(mode & _TYPE_BITS)
        if kind is None:
            raise _no_file(source, path, mode)
        target = context_name(os.readlink(source)) if kind is EntryType.LINK else ""
    except OSError as error:
        raise _unreadable(source, error) from error
    return _new(
        Entry,
        (
            path,
            kind,
            mode & _MODE_BITS,
            status.st_size if kind is EntryType.FILE else 0,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
            status.st_dev,
            target,
            source,
        ),
    )


_TYPE_BITS = 0o170000
_MODE_BITS = 0o7777
_KINDS = {
    stat.S_IFREG: EntryType.FILE,
    stat.S_IFDIR: EntryType.DIRECTORY,
    stat.S_IFLNK: EntryType.LINK,
}


def _unreadable(source: str, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return _vanished(source)
    return BuildContextError(f"{show_path(source)} cannot be read: {error.strerror}.", path=source)


def _no_file(source: str, path: str, mode: int) -> BuildContextError:
    what = next((name for test, name in _SPECIAL if test(mode)), "no file")
    return BuildContextError(
        f"{show_path(source)} is {what}. A build context holds files, directories and symbolic "
        f"links only. Remove it, or exclude it with the line {excluding_line(path)} in the "
        "ignore file.",
        path=source,
    )


_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def context_name(name: str) -> str:
    """Give a name of the file system as it stands in a context: UTF-8 with `surrogateescape`."""
    if _UTF8_NAMES or name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def disk_name(name: str) -> str:
    """Give a name of a context as the file system's encoding has it: undo `context_name`."""
    return os.fsdecode(encode_path(name))
