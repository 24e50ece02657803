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
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.exceptions import BuildContextError, ContextChangedError

_UTF8_NAMES = sys.getfilesystemencoding() in ("utf-8", "utf8")


class Selected(NamedTuple):
    """A path that the rules keep, not yet looked at more closely."""

    path: str
    type: EntryType
    found: os.DirEntry[str]


def select(root: str, rules: IgnoreRules) -> Iterator[Selected]:
    """Walk `root` and give what the rules keep, and the parents of what they keep, in order.

    Raises:
        BuildContextError: there is no such directory, a directory cannot be read, or something
            that is kept is no file, directory or symbolic link.
        RuleError: a pattern turns out to be malformed when it is first tried.
    """
    waiting: list[Selected] = []  # dropped directories above, not listed until something is kept
    stack: list[tuple[str, int, bool, Iterator[os.DirEntry[str]]]] = [
        ("", 0, False, iter(_listing(root, "")))
    ]
    while stack:
        prefix, parent_hits, _, listing = stack[-1]
        found = next(listing, None)
        if found is None:
            _, _, dropped, _ = stack.pop()
            if dropped and waiting:
                waiting.pop()
            continue
        path = prefix + _context_name(found.name)
        verdict = rules.judge(path, parent_hits)
        if found.is_dir(follow_symlinks=False):
            selected = Selected(path, EntryType.DIRECTORY, found)
            if verdict.excluded:
                if not rules.may_keep_below(path, verdict.hits):
                    continue
                children = _listing(found.path, path, excluded=True)
                waiting.append(selected)
            else:
                yield from _flush(waiting)
                yield selected
                children = _listing(found.path, path)
            stack.append((path + "/", verdict.hits, verdict.excluded, iter(children)))
            continue
        if verdict.excluded:
            continue
        yield from _flush(waiting)
        yield Selected(path, _type(found, path), found)


def _flush(waiting: list[Selected]) -> Iterator[Selected]:
    if waiting:
        yield from waiting
        waiting.clear()


def entries(root: str, rules: IgnoreRules) -> Iterator[Entry]:
    """Do the walk of `select` and look at each path that it gives.

    Raises:
        ContextChangedError: something vanished while the tree was walked.
    """
    for path, kind, found in select(root, rules):
        yield inspect(path, kind, found)


def inspect(path: str, kind: EntryType, found: os.DirEntry[str]) -> Entry:
    """Make the entry of a path that `select` gave."""
    try:
        status = found.stat(follow_symlinks=False)
    except OSError as error:
        raise _unreadable(found.path, error) from error
    return _entry(path, kind, status, found.path)


def inspect_file(path: str, source: str | None) -> Entry:
    """Make the entry of a path in the archive and a path on disk; `None` means a directory.

    Raises:
        BuildContextError: there is no such path, or it is no file, directory or symbolic link.
    """
    if source is None:
        return Entry(path, EntryType.DIRECTORY, 0o755)
    try:
        status = os.lstat(source)
    except OSError as error:
        raise _unreadable(source, error) from error
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise _no_file(source, path, status.st_mode)
    return _entry(path, kind, status, source)


_KINDS = {
    stat.S_IFREG: EntryType.FILE,
    stat.S_IFDIR: EntryType.DIRECTORY,
    stat.S_IFLNK: EntryType.LINK,
}


def _entry(path: str, kind: EntryType, status: os.stat_result, source: str) -> Entry:
    target = ""
    if kind is EntryType.LINK:
        try:
            target = _context_name(os.readlink(source))
        except OSError as error:
            raise _unreadable(source, error) from error
    return Entry(
        path,
        kind,
        stat.S_IMODE(status.st_mode),
        status.st_size if kind is EntryType.FILE else 0,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
        target,
        source,
    )


def _unreadable(source: str, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return ContextChangedError(
            f"{show_path(source)} vanished while the build context was read. Build again when "
            "nothing writes to the context, or exclude the path in the ignore file.",
            path=source,
        )
    return BuildContextError(f"{show_path(source)} cannot be read: {error.strerror}.", path=source)


def _type(found: os.DirEntry[str], path: str) -> EntryType:
    if found.is_file(follow_symlinks=False):
        return EntryType.FILE
    if found.is_symlink():
        return EntryType.LINK
    try:
        mode = found.stat(follow_symlinks=False).st_mode
    except OSError:
        mode = 0
    raise _no_file(found.path, path, mode)


def _no_file(source: str, path: str, mode: int) -> BuildContextError:
    what = next((name for test, name in _SPECIAL if test(mode)), "no file")
    return BuildContextError(
        f"{show_path(source)} is {what}. A build context holds files, directories and symbolic "
        f"links only. Remove it, or exclude it with the line {show_path(path)!r} in the ignore "
        "file.",
        path=source,
    )


_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def _listing(directory: str, path: str, *, excluded: bool = False) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as scan:
            found = list(scan)
    except PermissionError as error:
        if excluded:  # as Docker does: what may not be read below a dropped directory is dropped
            return []
        raise BuildContextError(
            f"The directory {show_path(directory)} cannot be read: {error.strerror}. Change its "
            f"permissions, or exclude it with the line {show_path(path)!r} in the ignore file.",
            path=directory,
        ) from error
    except FileNotFoundError as error:
        if path:
            raise ContextChangedError(
                f"{show_path(directory)} vanished while the build context was read.",
                path=directory,
            ) from error
        raise BuildContextError(
            f"The root of the build context, {show_path(directory)}, does not exist.",
            path=directory,
        ) from error
    except NotADirectoryError as error:
        raise BuildContextError(
            f"The root of the build context, {show_path(directory)}, is no directory. Give the "
            "directory that holds the files.",
            path=directory,
        ) from error
    except OSError as error:
        raise BuildContextError(
            f"The directory {show_path(directory)} cannot be read: {error.strerror}.",
            path=directory,
        ) from error
    found.sort(key=_byte_order)
    return found


def _byte_order(found: os.DirEntry[str]) -> bytes:
    return encode_path(_context_name(found.name))


def _context_name(name: str) -> str:
    """Give a name of the file system as it stands in a context: UTF-8 with `surrogateescape`."""
    if _UTF8_NAMES or name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "surrogateescape")
