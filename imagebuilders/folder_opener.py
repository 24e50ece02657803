"""Opening what lies below a folder without following a link on the way.

A path is opened one name at a time, each relative to the folder before it and none through a
link (`openat` with `O_NOFOLLOW`). So whoever exchanges a folder for a link meanwhile cannot lead
the reader out of the root. The idea is that of Go's `os.Root`, https://go.dev/blog/osroot.
"""

from __future__ import annotations

import os

MOST_OPEN = 32
"""How many folders of one path are held open at most, the root not counted."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class FolderOpener:
    """The folders on the way to one path below a root, held open.

    The next path is opened from the deepest folder that it shares with this one. Use as a context
    manager; not by two threads at once.
    """

    def __init__(self, root: str) -> None:
        """Make an opener; the root itself may be reached by links."""
        self._root = root
        self._path: str | None = None  # what the last descriptor is of
        self._names: list[str] = []
        # The root's descriptor and one for each name; `None` for what was closed again.
        self._descriptors: list[int | None] = []

    def __enter__(self) -> FolderOpener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all folders."""
        self._keep(0)
        self._path = None

    def folder(self, path: str) -> int:
        """Return the descriptor of a folder; it is valid until the next call.

        Args:
            path: the path below the root, in the file system's encoding; empty for the root.

        Raises:
            OSError: there is no such folder, or a link stands on the way.
            ValueError: the path has a character that no path can have.
        """
        if path == self._path and self._descriptors[-1] is not None:
            return self._descriptors[-1]
        self._path = None
        names = path.split("/") if path else []
        shared = 0
        most = min(len(names), len(self._descriptors) - 1)
        while shared < most and names[shared] == self._names[shared]:
            shared += 1
        self._keep(shared + 1)
        self._names = names
        descriptor = self._deepest()
        for depth in range(len(self._descriptors), len(names) + 1):
            descriptor = os.open(names[depth - 1], _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            self._descriptors.append(descriptor)
            self._close_one_above(depth)
        self._path = path
        return descriptor

    def _deepest(self) -> int:
        """Return the deepest folder that is open; forget the closed ones below it."""
        while self._descriptors:
            last = self._descriptors[-1]
            if last is not None:
                return last
            self._descriptors.pop()
        root = os.open(self._root, _FOLDER)
        self._descriptors.append(root)
        return root

    def _keep(self, count: int) -> None:
        while len(self._descriptors) > count:
            last = self._descriptors.pop()
            if last is not None:
                os.close(last)

    def _close_one_above(self, depth: int) -> None:
        """Close the folder that is too far above the one at `depth` to be of use soon."""
        above = depth - MOST_OPEN
        if above > 0:
            descriptor = self._descriptors[above]
            if descriptor is not None:
                self._descriptors[above] = None
                os.close(descriptor)
