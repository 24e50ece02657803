"""Looking at one path on disk."""

from __future__ import annotations

import os
import stat

from imagebuilders.context.entries import Entry, EntryType, context_name, show_path
from imagebuilders.context.faults import no_file, vanished
from imagebuilders.context.status import state_of
from imagebuilders.exceptions import BuildContextError

_KINDS = {
    stat.S_IFREG: EntryType.FILE,
    stat.S_IFDIR: EntryType.DIRECTORY,
    stat.S_IFLNK: EntryType.LINK,
}


def inspect(path: str, source: str | None) -> Entry:
    """Look at a path on disk and return the entry of a path in the archive; `None`: a directory.

    Raises:
        BuildContextError: there is no such path, or it is no file, directory or symbolic link.
    """
    if source is None:
        return Entry(path, EntryType.DIRECTORY, 0o755)
    try:
        return look(path, source, source)
    except FileNotFoundError as error:
        raise vanished(source) from error
    except OSError as error:
        raise BuildContextError(
            f"{show_path(source)} cannot be read: {error.strerror}.", path=source
        ) from error
    except BuildContextError:
        raise
    except ValueError as error:
        raise BuildContextError(
            f"{show_path(source)} cannot be read: it is a path with a character that no path can "
            "have.",
            path=source,
        ) from error


def look(path: str, source: str, name: str, descriptor: int | None = None) -> Entry:
    """Make the entry of a name in a folder.

    Args:
        path: the path in the context.
        source: the path on disk.
        name: the name to look at, relative to the folder.
        descriptor: the open folder; the working directory by default.

    Raises:
        BuildContextError: it is no file, directory or symbolic link.
        OSError: it is gone, or cannot be looked at.
    """
    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise no_file(source, path, status.st_mode)
    target = ""
    if kind is EntryType.LINK:
        target = context_name(os.readlink(name, dir_fd=descriptor))
    return entry_of(path, kind, source, status)._replace(target=target)


def entry_of(path: str, kind: EntryType, source: str, status: os.stat_result) -> Entry:
    """Make the entry of what has this status."""
    mode, size, mtime_ns, ctime_ns, inode, device = state_of(status)
    return Entry(
        path,
        kind,
        stat.S_IMODE(mode),
        size if kind is EntryType.FILE else 0,
        mtime_ns,
        ctime_ns,
        inode,
        device,
        source=source,
    )
