"""Reading a file of the context, and noticing when it changes under the reader."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from imagebuilders.context.entries import Entry, show_path
from imagebuilders.context.patterns import excluding_line
from imagebuilders.exceptions import BuildContextError, ContextChangedError

CHUNK_SIZE = 256 * 1024
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_REPLACED = "was replaced by something that is no file"


def read_chunks(entry: Entry, chunk_size: int = CHUNK_SIZE) -> Iterator[bytes]:
    """Give a file's content in pieces, exactly as many bytes as the entry says.

    Args:
        entry: the file.
        chunk_size: how long the pieces of a large file are; a small one comes in one.

    Raises:
        ContextChangedError: the file vanished, shrank, grew or was written to meanwhile.
        BuildContextError: the file cannot be read.
    """
    if entry.size <= CHUNK_SIZE:
        content = read_whole(entry)
        if content:
            yield content
        return
    if isinstance(entry.source, bytes):
        yield entry.source
        return
    descriptor = _open(entry, entry.source)
    try:
        _check(entry, descriptor)
        left = entry.size
        while left:
            chunk = os.read(descriptor, min(left, chunk_size))
            if not chunk:
                raise _changed(entry, "shrank")
            left -= len(chunk)
            yield chunk
        _check(entry, descriptor)
    except OSError as error:
        raise _unreadable(entry, error) from error
    finally:
        os.close(descriptor)


def read_whole(entry: Entry) -> bytes:
    """Give a file's content; raises as `read_chunks` does."""
    source = entry.source
    if isinstance(source, bytes):
        return source
    if entry.size > CHUNK_SIZE:
        return b"".join(read_chunks(entry))
    descriptor = _open(entry, source)
    try:
        content = os.read(descriptor, entry.size + 1) if entry.size else b""
        while content and len(content) < entry.size:  # some network file systems read less
            more = os.read(descriptor, entry.size - len(content))
            if not more:
                break
            content += more
        _check(entry, descriptor)
        if len(content) != entry.size:
            raise _changed(entry, "shrank" if len(content) < entry.size else "grew")
        return content
    except OSError as error:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _changed(entry, _REPLACED) from error
        raise _unreadable(entry, error) from error
    finally:
        os.close(descriptor)


def _open(entry: Entry, source: str) -> int:
    try:
        return os.open(source, _FLAGS)
    except FileNotFoundError as error:
        raise _changed(entry, "vanished") from error
    except OSError as error:
        raise _unreadable(entry, error) from error


def _check(entry: Entry, descriptor: int) -> None:
    """Raise `ContextChangedError` unless the open file is as its entry says."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _changed(entry, _REPLACED)
    if status.st_size != entry.size:
        raise _changed(entry, "grew" if status.st_size > entry.size else "shrank")
    if status.st_mtime_ns != entry.mtime_ns:
        raise _changed(entry, "was written to")


def _changed(entry: Entry, what: str) -> ContextChangedError:
    source = str(entry.source)
    return ContextChangedError(
        f"{show_path(source)} {what} while the build context was read. Build again when nothing "
        "writes to the context, or exclude the file in the ignore file.",
        path=source,
    )


def _unreadable(entry: Entry, error: OSError) -> BuildContextError:
    return BuildContextError(
        f"{show_path(str(entry.source))} cannot be read: {error.strerror}. Change its permissions, "
        f"or exclude it with the line {excluding_line(entry.path)} in the ignore file.",
        path=str(entry.source),
    )
