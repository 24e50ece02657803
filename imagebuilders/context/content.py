"""Reading a file of the context, and noticing when it changes under the reader."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from imagebuilders.context.entries import Entry, show_path
from imagebuilders.exceptions import BuildContextError, ContextChangedError

CHUNK_SIZE = 256 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def read_chunks(entry: Entry) -> Iterator[bytes]:
    """Give a file's content in pieces, exactly as many bytes as the entry says.

    Raises:
        ContextChangedError: the file vanished, shrank, grew or was written to meanwhile.
        BuildContextError: the file cannot be read.
    """
    source = entry.source
    if isinstance(source, bytes):
        if source:
            yield source
        return
    try:
        descriptor = os.open(source, _FLAGS)
    except FileNotFoundError as error:
        raise _changed(source, "vanished") from error
    except OSError as error:
        raise _unreadable(entry, error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _changed(source, "was replaced by something that is no file")
        left = entry.size
        if status.st_size != left:
            raise _changed(source, "grew" if status.st_size > left else "shrank")
        while left:
            chunk = os.read(descriptor, min(left, CHUNK_SIZE))
            if not chunk:
                raise _changed(source, "shrank")
            left -= len(chunk)
            yield chunk
        status = os.fstat(descriptor)
        if status.st_size != entry.size:
            raise _changed(source, "grew" if status.st_size > entry.size else "shrank")
        if status.st_mtime_ns != entry.mtime_ns:
            raise _changed(source, "was written to")
    except OSError as error:
        raise _unreadable(entry, error) from error
    finally:
        os.close(descriptor)


def read_whole(entry: Entry) -> bytes:
    """Give a file's content; raises as `read_chunks` does."""
    return b"".join(read_chunks(entry))


def _changed(source: str, what: str) -> ContextChangedError:
    return ContextChangedError(
        f"{show_path(source)} {what} while the build context was read. Build again when nothing "
        "writes to the context, or exclude the file in the ignore file.",
        path=source,
    )


def _unreadable(entry: Entry, error: OSError) -> BuildContextError:
    return BuildContextError(
        f"{show_path(str(entry.source))} cannot be read: {error.strerror}. Change its permissions, "
        f"or exclude it with the line {show_path(entry.path)!r} in the ignore file.",
        path=str(entry.source),
    )
