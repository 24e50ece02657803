"""The one reader of files that control a build.

These are ignore files, Dockerfiles, Docker's `config.json` and stack files.
Such a file is small and lies where a user, or a stranger's repository, put it. What stands there
instead may be a pipe that nobody writes to, or a device without an end: reading it would hang,
or take all memory. So only regular files are read, and only up to a limit.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import field

from imagebuilders.exceptions import ControlFileError, ControlFileNotFoundError
from imagebuilders.lazy_dataclass import dataclass

MAX_SIZE = 16 * 1024 * 1024
"""The largest control file that is read, in bytes."""

_CHUNK = 64 * 1024
_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe (FIFO)"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


@dataclass(frozen=True)
class ControlFile:
    """A control file as it was read.

    Attributes:
        path: the path that it was read from.
        content: all of its bytes; not in the repr, as it may hold a password.
        status: its status before it was read, with which it can be found again in a folder.
    """

    path: str
    content: bytes = field(repr=False)
    status: os.stat_result = field(repr=False)


def read_control_file(
    path: str | os.PathLike[str], *, limit: int = MAX_SIZE, allow_streams: bool = False
) -> ControlFile:
    """Read a control file whole. Links are followed.

    Args:
        path: the file.
        limit: the most bytes that it may have.
        allow_streams: whether pipes and character devices are read, too, to their end and up to
            the limit, as for `/dev/stdin` and a shell's `<(command)`. Then this waits for the
            writer.

    Raises:
        ControlFileNotFoundError: there is no such file.
        ControlFileError: it is a folder, pipe, socket or device, has more bytes than the limit,
            or cannot be read.
    """
    name = os.fspath(path)
    try:
        # Before it is opened: opening a device may have an effect.
        _check_kind(name, os.stat(name), allow_streams)
        flags = os.O_RDONLY | os.O_CLOEXEC
        if not allow_streams:
            flags |= os.O_NONBLOCK  # a pipe may have taken its place meanwhile
        descriptor = os.open(name, flags)
        try:
            status = os.fstat(descriptor)
            _check_kind(name, status, allow_streams)
            content = _read(descriptor, name, limit)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ControlFileNotFoundError(
            f"There is no file {_shown(name)}.", path=name, reason="there is no such file"
        ) from error
    except OSError as error:
        raise _unreadable(name, error.strerror or str(error)) from error
    except ValueError as error:
        raise _unreadable(name, "its path has a character that no path can have") from error
    return ControlFile(name, content, status)


def is_there(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file or folder stands under a path; links are followed.

    Unlike `os.path.exists`, this is true of what may not be looked at: whoever reads it is told
    why not, rather than that there is nothing.
    """
    try:
        os.stat(path)
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    except ValueError:
        return False  # no path can have such a character
    return True


def _check_kind(name: str, status: os.stat_result, allow_streams: bool) -> None:
    mode = status.st_mode
    if allow_streams and (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return
    for is_kind, kind in _KINDS:
        if is_kind(mode):
            raise _unreadable(name, f"{kind}, and must be a regular file")


def _read(descriptor: int, name: str, limit: int) -> bytes:
    content = bytearray()
    while chunk := os.read(descriptor, _CHUNK):
        content += chunk
        if len(content) > limit:
            raise _unreadable(name, f"it has more than {limit} bytes, the limit for such a file")
    return bytes(content)


def _unreadable(name: str, reason: str) -> ControlFileError:
    return ControlFileError(
        f"The file {_shown(name)} cannot be read: {reason}.", path=name, reason=reason
    )


def _shown(name: str) -> str:
    """Return a path that can be printed: undecodable bytes and control characters escaped."""
    printable = name.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in printable)
