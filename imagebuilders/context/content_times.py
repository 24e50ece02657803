"""Times of files that tell nothing but their content, for builds that can be repeated."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from imagebuilders.context.archive import fixed_mtime
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.folder import Folder
from imagebuilders.context.manifest import ContentHasher

_SECOND_NS = 10**9
_HEX_DIGITS = 16


class ContentTimes:
    """A time for each file of a folder, made of its content; folders and links have a fixed one.

    All are within one second, that of the fixed time of reproducible archives. Who takes files of
    equal size and time for equal, as BuildKit does, so sees every change of a file.
    """

    def __init__(self, root: Folder, hasher: ContentHasher) -> None:
        """Hash what is in a folder.

        Args:
            root: the folder.
            hasher: gives the hashes of files; it may be left afterwards.

        Raises:
            ContextChangedError: a file changed meanwhile.
            BuildContextError: a file cannot be read, or `SOURCE_DATE_EPOCH` is no number.
        """
        self._fixed_ns = fixed_mtime() * _SECOND_NS
        self._packed: dict[str, array[int]] = {}
        self._others: dict[str, int] = {}
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            if folder.names:
                # Each record is `f MODE PATH NUL HASH NUL`.
                hashes = hasher.records(folder).split(b"\0")[1::2]
                self._packed[folder.path] = array("q", map(self._time_of, hashes))
            for child in folder.children:
                if child.folder is not None:
                    waiting.append(child.folder)
                if child.entry.type is EntryType.FILE:
                    content_hash = hasher.content_hash(child.entry)
                    self._others[child.entry.path] = self._time_of(content_hash.encode())

    def of_packed(self, folder: Folder, start: int, end: int) -> Sequence[int]:
        """Return the times, in nanoseconds, of packed files of a folder.

        Args:
            folder: the folder.
            start, end: the numbers of the first file and of the one behind the last.
        """
        return self._packed[folder.path][start:end]

    def of_entry(self, entry: Entry) -> int:
        """Return the time, in nanoseconds, of an entry that is not packed."""
        return self._others.get(entry.path, self._fixed_ns)

    def _time_of(self, content_hash: bytes) -> int:
        return self._fixed_ns + int(content_hash[:_HEX_DIGITS], 16) % _SECOND_NS
