"""Files that a step writes into, over a tree that stays as it is.

A step writes as a container writes into an overlay: a folder is copied when something in it
changes first, with all folders above it, and everything else is shared. So a tree of any size
costs a step only what the step touches.
"""

from __future__ import annotations

from collections.abc import Callable

from imagebuilders.evaluation.trees import Folder, stamped
from imagebuilders.oci.file_tree import File, UnresolvedPathError, follow_links

_LINKS = 255
_SET_GROUP_ID = 0o2000


class TooManyLinksError(Exception):
    """A chain of symbolic links that does not end."""


class LinkLoopError(Exception):
    """A path leads through links that lead to each other.

    Attributes:
        path: the path.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class NotAFolderError(Exception):
    """A path leads through what is no folder.

    Attributes:
        path: up to what stands in that.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class FileSystem:
    """A tree that a step writes into.

    Args:
        tree: what is there at first; stays as it is.
        clock: the time of what is made now, in nanoseconds since 1970; never the same twice.
    """

    def __init__(self, tree: Folder, clock: Callable[[], int]) -> None:
        self._writer = object()
        self._folder = tree
        self._made: set[object] = set()
        self._clock = clock
        self.reads: set[str] = set()
        """The paths of the tree, as it was, that were looked at."""
        self.root = Place(self, None, "")

    @property
    def tree(self) -> Folder:
        """The tree as it is now; not to be written into any more once it was taken."""
        return self._folder

    def place(self, path: str) -> Place:
        """Return the place of a path in which no link is to be followed."""
        place = self.root
        for name in path.split("/"):
            if name:
                place = place.child(name)
        return place

    def resolve(self, path: str) -> str:
        """Return where a path leads, all its links followed, never out of the root.

        What is not there is no link. The way is that of Go's `RootPath`
        (https://pkg.go.dev/github.com/containerd/continuity/fs#RootPath): `..` in a link's
        target takes the name before it away, even if that is a link.

        Raises:
            TooManyLinksError: the links do not end.
            LinkLoopError: links on the way lead to each other.
            NotAFolderError: the way leads through a file.
        """
        return resolve_path(path, self._look)

    def now(self) -> int:
        """Return the time of what is made now."""
        return self._clock()

    def _look(self, path: str) -> File | Folder | None:
        place = self.place(path)
        entry = place.entry()
        if entry is None and place.above is not None:
            above = place.above
            while above.above is not None and above.entry() is None:
                above = above.above
            blocking = above.entry()
            if isinstance(blocking, File) and blocking.kind != "symlink":
                raise NotAFolderError(path)
            if blocking is not None and not isinstance(blocking, Folder):
                self._check_loop(path)
        return entry

    def _check_loop(self, path: str) -> None:
        """Refuse a path that the system itself cannot follow."""
        try:
            follow_links(path, self._folder.find_file, follow_last=False)
        except UnresolvedPathError as error:
            raise LinkLoopError(path) from error

    def _own_root(self) -> Folder:
        self._folder = self._folder.written_by(self._writer)
        return self._folder


def resolve_path(path: str, look: Callable[[str], File | Folder | None]) -> str:
    """Return where a path leads, as `FileSystem.resolve` does.

    Args:
        path: the path.
        look: returns what stands at a path, no link being followed.

    Raises:
        TooManyLinksError: the links do not end.
        NotAFolderError: from `look`.
    """
    links = 0
    pending = _parts(path)
    while True:
        resolved, followed = _one_round(pending, look, links)
        if followed == links:
            return "/".join(resolved)
        links, pending = followed, resolved


def _one_round(
    parts: list[str], look: Callable[[str], File | Folder | None], links: int
) -> tuple[list[str], int]:
    """Follow the links of a path once; a link in a target is left for the next round."""
    current: list[str] = []
    for part in parts:
        entry = look("/".join([*current, part]))
        if isinstance(entry, File) and entry.kind == "symlink":
            links += 1
            if links > _LINKS:
                raise TooManyLinksError
            if entry.link.startswith("/"):
                current = _parts(entry.link)
            else:
                current = _parts("/".join([*current, entry.link]))
        else:
            current.append(part)
    return current, links


def _parts(path: str) -> list[str]:
    """Return the names of a path in the root, without dots."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


class Place:
    """Where something stands in a file system, or could."""

    __slots__ = ("_files", "above", "name")

    def __init__(self, files: FileSystem, above: Place | None, name: str) -> None:
        self._files = files
        self.above = above
        self.name = name

    @property
    def path(self) -> str:
        """The path in the root, without a slash at its beginning."""
        if self.above is None:
            return ""
        above = self.above.path
        return f"{above}/{self.name}" if above else self.name

    def child(self, name: str) -> Place:
        """Return the place of a name in this folder."""
        return Place(self._files, self, name)

    def entry(self) -> File | Folder | None:
        """Return what is here."""
        if self.above is None:
            return self._files._folder
        above = self.above.entry()
        if not isinstance(above, Folder):
            return None
        if above.lineage not in self._files._made:
            self._files.reads.add(self.path)
        return above.names.get(self.name)

    def folder(self) -> Folder | None:
        """Return the folder that is here, if there is one."""
        entry = self.entry()
        return entry if isinstance(entry, Folder) else None

    def own(self) -> Folder:
        """Return the folder that is here, to be written into."""
        if self.above is None:
            return self._files._own_root()
        above = self.above.own()
        own = self._folder_in(above).written_by(self._files._writer)
        above.names[self.name] = own
        return own

    def put(self, file: File | Folder) -> None:
        """Let something stand here, in the place of what was there."""
        if self.above is not None:
            above = self.above.own()
            above.names[self.name] = file
            self._touch(above)

    def make_folder(self, mode: int, owner: tuple[int, int] | None = None) -> Folder:
        """Make a folder where there is none, as mkdir(2) and chown(2) do.

        Args:
            mode: its permissions. It takes the set-group-ID bit over from the folder above.
            owner: who it belongs to; `None` for root, and the group of that folder if it has
                that bit.
        """
        above = None if self.above is None else self.above.folder()
        uid, gid = owner or (0, 0)
        if above is not None and above.file.mode & _SET_GROUP_ID:
            mode |= _SET_GROUP_ID
            gid = gid if owner else above.file.gid
        made = Folder(
            stamped(File("dir", mode, uid, gid), self._files.now()), writer=self._files._writer
        )
        self._files._made.add(made.lineage)
        self.put(made)
        return made

    def remove(self) -> None:
        """Take away what is here, with all that is in it."""
        if self.above is not None:
            above = self.above.own()
            if above.names.pop(self.name, None) is not None:
                self._touch(above)

    def set_file(self, file: File) -> None:
        """Change mode, owner or time of what is here, or what is in it."""
        if self.above is None or self.folder() is not None:
            self.own().file = file
        else:
            self.above.own().names[self.name] = file

    def _folder_in(self, above: Folder) -> Folder:
        entry = above.names.get(self.name)
        if not isinstance(entry, Folder):
            raise NotAFolderError(self.path)
        return entry

    def _touch(self, folder: Folder) -> None:
        folder.file = stamped(folder.file, self._files.now())
