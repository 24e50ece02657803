"""Reading files of a context, and noticing when they change under the reader.

The state of each file is compared with its entry after it was read: size, times, inode and
device. So what is read is what was there when the entry was made, and a file that was exchanged
for another, or for a link to another, is never taken for it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from imagebuilders.context.entries import Entry
from imagebuilders.context.faults import changed, replaced, unreadable, vanished
from imagebuilders.context.status import State, state_of
from imagebuilders.exceptions import ContextChangedError
from imagebuilders.folder_opener import FolderOpener

CHUNK_SIZE = 256 * 1024
_REGULAR = stat.S_IFREG
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # no pipe is waited for


class ContentReader:
    """Reads one file after the other; quickest where neighbours follow each other.

    Use as a context manager; not by two threads at once.
    """

    def __init__(self) -> None:
        self._opener = FolderOpener("")
        self._root = ""
        self._folder: str | None = None  # that of the last file, with a slash at its end
        self._descriptor = -1

    def __enter__(self) -> ContentReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folders that are held open."""
        self._opener.close()
        self._folder = None

    def read_chunks(self, entry: Entry, chunk_size: int = CHUNK_SIZE) -> Iterator[bytes]:
        """Yield a file's content in pieces, exactly as many bytes as the entry says.

        Args:
            entry: the file.
            chunk_size: how long the pieces of a large file are; a small one comes in one.

        Raises:
            ContextChangedError: the file vanished, was replaced or was written to meanwhile.
            BuildContextError: the file cannot be read.
        """
        if entry.size <= CHUNK_SIZE:
            content = self.read_whole(entry)
            if content:
                yield content
            return
        if isinstance(entry.source, bytes):
            yield entry.source
            return
        descriptor = self._open(entry, entry.source)
        try:
            _check(entry, entry.source, descriptor)
            left = entry.size
            while left:
                chunk = os.read(descriptor, min(left, chunk_size))
                if not chunk:
                    raise changed(entry.source, "shrank")
                left -= len(chunk)
                yield chunk
            _check(entry, entry.source, descriptor)
        except OSError as error:
            raise unreadable(entry.source, entry.path, error) from error
        finally:
            os.close(descriptor)

    def read_whole(self, entry: Entry) -> bytes:
        """Return a file's content; raises as `read_chunks` does."""
        source = entry.source
        if isinstance(source, bytes):
            return source
        size = entry.size
        if size > CHUNK_SIZE:
            return b"".join(self.read_chunks(entry))
        descriptor = self._open(entry, source)
        try:
            # One look, after the reading, tells as much as two: it is compared with the entry.
            content = os.read(descriptor, size + 1) if size else b""
            while content and len(content) < size:  # some network file systems read less
                more = os.read(descriptor, size - len(content))
                if not more:
                    break
                content += more
            state = state_of(os.fstat(descriptor))
            if state[1:] != entry[3:8] or state[0] != _REGULAR | entry.mode:
                raise _difference(entry, source, state)
            if len(content) != size:
                raise changed(source, "shrank" if len(content) < size else "grew")
            return content
        except OSError as error:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise replaced(source) from error
            raise unreadable(source, entry.path, error) from error
        finally:
            os.close(descriptor)

    def _open(self, entry: Entry, source: str) -> int:
        try:
            root = entry.root
            if not root:
                return os.open(source, _FLAGS)
            cut = source.rfind("/") + 1
            folder = source[:cut]
            if folder != self._folder or root != self._root:
                self._enter(root, folder)
            return os.open(source[cut:], _FLAGS | os.O_NOFOLLOW, dir_fd=self._descriptor)
        except FileNotFoundError as error:
            raise vanished(source) from error
        except OSError as error:
            # A link opened as a folder is no folder to Linux, and one link too many elsewhere.
            if entry.root and error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise replaced(source) from error
            raise unreadable(source, entry.path, error) from error

    def _enter(self, root: str, folder: str) -> None:
        """Open a folder below a root, no link followed."""
        self._folder = None
        if root != self._root:
            self._opener.close()
            self._opener = FolderOpener(root)
            self._root = root
        below = folder[len(os.path.join(root, "")) :]
        self._descriptor = self._opener.folder(below.rstrip("/"))
        self._folder = folder


def read_whole(entry: Entry) -> bytes:
    """Return the content of one file; see `ContentReader`."""
    with ContentReader() as reader:
        return reader.read_whole(entry)


def _check(entry: Entry, source: str, descriptor: int) -> None:
    """Raise `ContextChangedError` unless the open file is as its entry says."""
    state = state_of(os.fstat(descriptor))
    if state[1:] != entry[3:8] or state[0] != _REGULAR | entry.mode:
        raise _difference(entry, source, state)


def _difference(entry: Entry, source: str, state: State) -> ContextChangedError:
    """Return the error of a file that is not as its entry says."""
    mode, size, mtime_ns, _, inode, device = state
    if (inode, device) != (entry.inode, entry.device) or not stat.S_ISREG(mode):
        return replaced(source)
    if size != entry.size:
        return changed(source, "grew" if size > entry.size else "shrank")
    return changed(source, "was written to" if mtime_ns != entry.mtime_ns else "changed")
