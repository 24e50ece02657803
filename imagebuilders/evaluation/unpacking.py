"""Unpacking of archives into a tree, as ADD does it.

The rules are those of Docker's `archive.Unpack` (https://github.com/moby/go-archive) in a root
of its own: links in the tree are followed below the destination as below a root, entries replace
what is there, folders are merged, and names that begin with `.wh.` mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.evaluation.accounts import UNCHANGED
from imagebuilders.evaluation.daemon import Daemon
from imagebuilders.evaluation.file_system import FileSystem, Place
from imagebuilders.evaluation.paths_in_trees import FOLDER_MODE, make_folders, resolve_target
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError, LayerFormatError
from imagebuilders.go_text import clean_path, quote
from imagebuilders.oci.file_tree import File, UnresolvedPathError, follow_links, new_inode
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.members import Member

_MISSING = "no such file or directory"
_NOT_A_FOLDER = "not a directory"


def is_archive(file: File) -> bool:
    """Whether a file is a tar archive with something in it, compressed or not.

    Raises:
        ImageBuilderError: the file cannot be read.
    """
    if file.kind != "file":
        return False
    try:
        for _ in _opened(file):
            return True
    except LayerFormatError:
        return False
    return False


def unpack(
    archive: File,
    files: FileSystem,
    target: str,
    owner: tuple[int, int] | None,
    daemon: Daemon,
) -> None:
    """Unpack an archive.

    Args:
        archive: the archive.
        files: what is written into.
        target: the folder it is unpacked in.
        owner: who entries belong to; `None` for who the archive says.
        daemon: whose ways and words count.

    Raises:
        EvaluationError: it cannot be unpacked.
        ImageBuilderError: the archive cannot be read.
    """
    path = resolve_target(files, target)
    place = make_folders(files, path, FOLDER_MODE, owner, daemon)
    unpacking = _Unpacking(files, place, owner if daemon.owns_archived else None, daemon)
    try:
        for member in _opened(archive):
            unpacking.add(member)
    except LayerFormatError as error:
        text = "unexpected EOF" if error.is_truncated else str(error)
        if daemon.wraps_archives:
            text = f"Error processing tar file(exit status 1): {text}"
        raise EvaluationError(text) from error
    unpacking.finish()


def _opened(file: File) -> Iterator[Member]:
    return LayerContents(file.pieces).members()


def _call(member: Member) -> str:
    """Return the system call that makes an entry, as errors name it."""
    if member.hard_link:
        return "link"
    return {"file": "open", "dir": "mkdir", "symlink": "symlink"}.get(member.file.kind, "mknod")


def _missing(place: Place) -> str:
    """Return why nothing is at a place: a file stands on its way, or there is none."""
    above = place.above
    while above is not None and above.entry() is None:
        above = above.above
    return _MISSING if above is None or above.folder() is not None else _NOT_A_FOLDER


class _Unpacking:
    def __init__(
        self,
        files: FileSystem,
        root: Place,
        owner: tuple[int, int] | None,
        daemon: Daemon,
    ) -> None:
        self._files = files
        self._root = root
        self._owner = owner
        self._daemon = daemon
        self._folders: list[tuple[str, File]] = []

    def add(self, member: Member) -> None:
        """Unpack one entry."""
        name = clean_path(member.name)
        if name.split("/")[0] == ".." and not self._daemon.clamps_archives:
            raise EvaluationError(f"invalid entry name {quote(member.name)}")
        path = clean_path("/" + name)[1:]
        if not path:
            return
        self._make_parent(path)
        place = self._place(path)
        if place.above is not None and place.above.folder() is None:
            target = f"{member.file.link} " if member.file.kind == "symlink" else ""
            call, _, where = self._named(_call(member), path).partition(" ")
            raise EvaluationError(f"{call} {target}{where}: {_NOT_A_FOLDER}")
        there = place.entry()
        is_folder = member.file.kind == "dir"
        if there is not None and not (is_folder and isinstance(there, Folder)):
            place.remove()
        if member.hard_link:
            self._link(place, path, member)
        elif is_folder:
            if place.folder() is None:
                place.make_folder(member.file.mode)
            place.set_file(self._owned(member.file))
            self._folders.append((path, member.file))
        else:
            place.put(self._owned(member.file))

    def finish(self) -> None:
        """Set the times of folders, which what was unpacked into them has changed."""
        for path, file in self._folders:
            place = self._place(path, follow_last=True)
            entry = place.entry()
            if entry is None:
                raise EvaluationError(f"{self._named('chtimes', path)}: {_missing(place)}")
            now = entry.file if isinstance(entry, Folder) else entry
            place.set_file(now._replace(mtime=max(file.mtime, 0), nanoseconds=0))

    def _make_parent(self, path: str) -> None:
        """Make the folder above an entry if the archive has none.

        Where the entry's folder is a link to nothing, engines make what that leads to.
        """
        above = path.rpartition("/")[0]
        follow = not self._daemon.clamps_archives
        if above and self._place(above, follow_last=follow).entry() is None:
            make_folders(
                self._files,
                self._place(above, follow_last=True).path,
                FOLDER_MODE,
                None,
                self._daemon,
                is_exact=True,
            )

    def _owned(self, file: File) -> File:
        uid, gid = self._owner or (file.uid, file.gid)
        return file._replace(
            mode=0o777 if file.kind == "symlink" else file.mode,
            uid=0 if uid == UNCHANGED else uid,
            gid=0 if gid == UNCHANGED else gid,
            mtime=max(file.mtime, 0),
        )

    def _named(self, call: str, *paths: str) -> str:
        """Return a system call with its paths below the destination, as errors name it."""
        if self._daemon.clamps_archives:  # it unpacks in a root of its own
            return f"{call} " + " ".join(f"/{path}" for path in paths)
        return f"{call}at " + " ".join(paths)

    def _link(self, place: Place, path: str, member: Member) -> None:
        """Give a file one more name, and both the mode, owner and time of this entry."""
        target = clean_path("/" + member.hard_link)[1:]
        source = self._place(target)
        file = source.entry()
        if not isinstance(file, File):
            words = self._named("link", target, path)
            raise EvaluationError(f"{words}: {_missing(source)}")
        shared = file._replace(inode=file.inode or new_inode())
        if file.kind != "symlink":
            owned = self._owned(member.file)
            shared = shared._replace(
                mode=owned.mode,
                uid=owned.uid,
                gid=owned.gid,
                mtime=owned.mtime,
                nanoseconds=0,
            )
        source.set_file(shared)
        place.put(shared)

    def _place(self, path: str, *, follow_last: bool = False) -> Place:
        """Return where a path leads; links are followed below the destination as below a root."""
        try:
            resolved = follow_links(path, self._look, follow_last=follow_last)
        except UnresolvedPathError as error:
            where = f"lstat /{path}" if self._daemon.clamps_archives else f"statat {path}"
            raise EvaluationError(f"{where}: too many levels of symbolic links") from error
        return self._below(resolved)

    def _look(self, path: str) -> File | None:
        entry = self._below(path).entry()
        return entry if isinstance(entry, File) else None

    def _below(self, path: str) -> Place:
        place = self._root
        for name in path.split("/"):
            if name:
                place = place.child(name)
        return place
