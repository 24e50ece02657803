"""What goes wrong with files while a context is walked and read, as this package's errors."""

from __future__ import annotations

import errno
import stat

from imagebuilders.context.entries import show_path
from imagebuilders.context.patterns import excluding_line
from imagebuilders.exceptions import BuildContextError, ContextChangedError

_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


def changed(source: str, what: str) -> ContextChangedError:
    """Return the error of a path that changed, as in `shrank`, since it was first seen."""
    return ContextChangedError(
        f"{show_path(source)} {what} while the build context was read. Build again when nothing "
        "writes to the context, or exclude the path in the ignore file.",
        path=source,
    )


def vanished(source: str) -> ContextChangedError:
    """Return the error of a path that is gone."""
    return changed(source, "vanished")


def replaced(source: str) -> ContextChangedError:
    """Return the error of a path that is another file now, or a link, or no file."""
    return changed(source, "was replaced")


def unreadable(source: str, path: str, error: OSError) -> BuildContextError:
    """Return the error of a file or folder that may not be read.

    Args:
        source: its path on disk.
        path: its path in the context, for the line that excludes it.
        error: what the system says.
    """
    if error.errno in (errno.EMFILE, errno.ENFILE):
        advice = "Raise the limit of open files (ulimit -n)."
    else:
        advice = (
            f"Change its permissions, or exclude it with the line {excluding_line(path)} in the "
            "ignore file."
        )
    return BuildContextError(
        f"{show_path(source)} cannot be read: {error.strerror}. {advice}", path=source
    )


def no_file(source: str, path: str, mode: int) -> BuildContextError:
    """Return the error of a pipe, socket or device.

    Args:
        source: its path on disk.
        path: its path in the context.
        mode: its type and mode, 0 when they are not known.
    """
    what = next((name for test, name in _SPECIAL if test(mode)), "no file")
    return BuildContextError(
        f"{show_path(source)} is {what}. A build context holds files, directories and symbolic "
        f"links only. Remove it, or exclude it with the line {excluding_line(path)} in the "
        "ignore file.",
        path=source,
    )


def bad_root(root: str, error: OSError | ValueError) -> BuildContextError:
    """Return the error of a root that cannot be opened."""
    shown = show_path(root)
    if not root:
        shown, reason = "''", "is an empty path; give '.' for the working directory"
    elif isinstance(error, FileNotFoundError):
        reason = "does not exist"
    elif isinstance(error, NotADirectoryError):
        reason = "is no directory; give the directory that holds the files"
    elif isinstance(error, OSError):
        reason = f"cannot be read: {error.strerror}"
    else:
        reason = "is a path with a character that no path can have"
    return BuildContextError(f"The root of the build context, {shown}, {reason}.", path=root)
