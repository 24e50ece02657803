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
from imagebuilders.context.opener import FolderOpener

CHUNK_SIZE = 256 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # no pipe is waited for


class ContentReader:
    """Reads one file after the other; quickest where neighbours follow each other.

    Use as a context manager; not by two threads at once.
    """

    def __init__(self) -> None:
        self._opener: FolderOpener | None = None
        self._root = ""
        self._folder = ""  # the folder of the last file, with a slash at its end
        self._relative = ""  # the same, relative to the root

    def __enter__(self) -> ContentReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folders that are held open."""
        if self._opener is not None:
            self._opener.close()
            self._opener = None
            self._root = ""

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
        if entry.size > CHUNK_SIZE:
            return b"".join(self.read_chunks(entry))
        descriptor = self._open(entry, source)
        try:
            # One look, after the reading, tells as much as two: it is compared with the entry.
            content = os.read(descriptor, entry.size + 1) if entry.size else b""
            while content and len(content) < entry.size:  # some network file systems read less
                more = os.read(descriptor, entry.size - len(content))
                if not more:
                    break
                content += more
            _check(entry, source, descriptor)
            if len(content) != entry.size:
                raise changed(source, "shrank" if len(content) < entry.size else "grew")
            return content
        except OSError as error:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise replaced(source) from error
            raise unreadable(source, entry.path, error) from error
        finally:
            os.close(descriptor)

    def _open(self, entry: Entry, source: str) -> int:
        try:
            if not entry.root:
                return os.open(source, _FLAGS)
            return self._open_below(entry.root, source)
        except FileNotFoundError as error:
            raise vanished(source) from error
        except OSError as error:
            # A link opened as a folder is no folder to Linux, and one link too many elsewhere.
            if entry.root and error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise replaced(source) from error
            raise unreadable(source, entry.path, error) from error

    def _open_below(self, root: str, source: str) -> int:
        """Open a file below a root, no link followed."""
        if self._opener is None or root != self._root:
            self.close()
            self._opener = FolderOpener(root)
            self._root, self._folder, self._relative = root, "", ""
        cut = source.rfind("/") + 1
        folder = source[:cut]
        if folder != self._folder:
            self._folder = folder
            self._relative = source[len(os.path.join(root, "")) : cut].rstrip("/")
        return self._opener.file(self._relative, source[cut:])


def read_whole(entry: Entry) -> bytes:
    """Return the content of one file; see `ContentReader`."""
    with ContentReader() as reader:
        return reader.read_whole(entry)


def _check(entry: Entry, source: str, descriptor: int) -> None:
    """Raise `ContextChangedError` unless the open file is as its entry says."""
    status = os.fstat(descriptor)
    if (
        status.st_mtime_ns == entry.mtime_ns
        and status.st_ctime_ns == entry.ctime_ns
        and status.st_size == entry.size
        and status.st_ino == entry.inode
        and status.st_dev == entry.device
        and stat.S_IMODE(status.st_mode) == entry.mode
        and stat.S_ISREG(status.st_mode)
    ):
        return
    is_same = (status.st_ino, status.st_dev) == (entry.inode, entry.device)
    if not is_same or not stat.S_ISREG(status.st_mode):
        raise replaced(source)
    if status.st_size != entry.size:
        raise changed(source, "grew" if status.st_size > entry.size else "shrank")
    raise changed(source, "was written to" if status.st_mtime_ns != entry.mtime_ns else "changed")
