"""Files as processes see them that an emulated shell evaluates: what they write is there at once.

Places are mounted into them: a volume, what is in memory, or a folder of this machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from imagebuilders.oci.file_tree import File

from .places import Place

_IMPLIED = File("dir", 0o755)


class Mounted:
    """A place, and where it is mounted.

    Attributes:
        target: the path, without a slash at its beginning.
        place: what is there.
        read_only: nothing can be written.
    """

    def __init__(self, target: str, place: Place, *, read_only: bool = False) -> None:
        self.target = target
        self.place = place
        self.read_only = read_only


class LiveFiles:
    """All files of a container or step; it is a `FileTable` of the emulation.

    Folders that are only implied by something that is mounted below them count as there.

    Args:
        root: its own files.
        mounts: what is mounted; of two at one target the later one is seen.
        lock: held while files are looked at or written.
        read_only: nothing can be written outside of the mounts.
    """

    def __init__(
        self,
        root: Place,
        mounts: Sequence[Mounted],
        lock: AbstractContextManager[object],
        *,
        read_only: bool = False,
    ) -> None:
        self._root = root
        self._mounts: dict[str, Mounted] = {}
        self._names: dict[str, set[str]] = {}
        self._lock = lock
        self._read_only = read_only
        for mount in mounts:
            self.mount(mount)

    def mount(self, mount: Mounted) -> None:
        """Let something be mounted from now on."""
        self._mounts[mount.target] = mount
        path = mount.target
        while path:
            folder, _, name = path.rpartition("/")
            self._names.setdefault(folder, set()).add(name)
            path = folder

    def get(self, path: str) -> File | None:
        """Return what is at a path, no link followed."""
        with self._lock:
            place, below = self._find(path)
            found = place.get(below)
        return _IMPLIED if found is None and path in self._names else found

    def put(self, path: str, file: File) -> None:
        """Put something at a path."""
        with self._lock:
            self._make_implied(path.rpartition("/")[0])
            place, below = self._find(path)
            place.put(below, file)

    def remove(self, path: str) -> None:
        """Take away what is at a path."""
        with self._lock:
            place, below = self._find(path)
            place.remove(below)

    def names(self, folder: str) -> Iterable[str]:
        """Return the names in a folder."""
        with self._lock:
            place, below = self._find(folder)
            found = list(place.names(below))
        return [*found, *sorted(self._names.get(folder, set()).difference(found))]

    def is_mount(self, path: str, /) -> bool:
        """Tell whether something is mounted at a path."""
        return path in self._mounts

    def is_read_only(self, path: str, /) -> bool:
        """Tell whether nothing may be written at a path."""
        mount = self._mount(path)
        return self._read_only if mount is None else mount.read_only

    def _make_implied(self, folder: str) -> None:
        """Make a folder that is there only because something is mounted below it."""
        if folder not in self._names or folder in self._mounts:
            return
        place, below = self._find(folder)
        if below and place.get(below) is None:
            self._make_implied(folder.rpartition("/")[0])
            place.put(below, _IMPLIED)

    def _mount(self, path: str) -> Mounted | None:
        while path:
            mount = self._mounts.get(path)
            if mount is not None:
                return mount
            path = path.rpartition("/")[0]
        return None

    def _find(self, path: str) -> tuple[Place, str]:
        mount = self._mount(path)
        if mount is None:
            return self._root, path
        return mount.place, path[len(mount.target) + 1 :]
