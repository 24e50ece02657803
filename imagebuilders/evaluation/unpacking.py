"""Unpacking of archives into a tree, as ADD does it.

The rules are those of Docker's `archive.Unpack` (https://github.com/moby/go-archive) in a root
of its own, which `imagebuilders.oci.unpacking` knows; here are what a daemon does differently, and
its words.
"""

from __future__ import annotations

from collections.abc import Iterator

from imagebuilders.evaluation.daemon import Daemon
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.paths_in_trees import FOLDER_MODE, make_folders, resolve_target
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError, LayerFormatError, UnpackError
from imagebuilders.go_text import quote
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.layer_contents import LayerContents
from imagebuilders.oci.members import Member
from imagebuilders.oci.unpacking import Unpacker, UnpackRules


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
    unpacker = Unpacker(_FilesBelow(files), root=place.path, rules=_rules(daemon))
    try:
        for member in _opened(archive):
            unpacker.add(_with_owner(member, owner if daemon.owns_archived else None))
        unpacker.finish()
    except LayerFormatError as error:
        text = "unexpected EOF" if error.is_truncated else str(error)
        if isinstance(error, UnpackError):
            text = _words(error, daemon)
        if daemon.wraps_archives:
            text = f"Error processing tar file(exit status 1): {text}"
        raise EvaluationError(text) from error


def _opened(file: File) -> Iterator[Member]:
    return LayerContents(file.pieces).members()


class _FilesBelow:
    """The files of a step, as `imagebuilders.oci.unpacking` writes them.

    Args:
        files: of the step.
    """

    def __init__(self, files: FileSystem) -> None:
        self._files = files

    def get(self, path: str) -> File | None:
        """Return what is at a path."""
        entry = self._files.place(path).entry()
        return entry.file if isinstance(entry, Folder) else entry

    def put(self, path: str, file: File) -> None:
        """Write a path; a folder that takes a folder's place keeps what is in it."""
        place = self._files.place(path)
        if file.kind != "dir":
            place.put(file)
            return
        if place.folder() is None:
            place.make_folder(file.mode)
        place.set_file(file)

    def remove(self, path: str) -> None:
        """Take a path away, and all below it."""
        self._files.place(path).remove()

    def change(self, path: str, file: File) -> None:
        """Change what is at a path in place."""
        self._files.place(path).set_file(file)

    def make_folder(self, path: str, _now: int, /) -> None:
        """Make a folder because something is to be below it, at the step's own time."""
        made = self._files.place(path).make_folder(FOLDER_MODE)
        made.file = made.file._replace(mode=FOLDER_MODE)


def _with_owner(member: Member, owner: tuple[int, int] | None) -> Member:
    uid, gid = owner or (member.file.uid, member.file.gid)
    mtime = max(member.file.mtime, 0)
    return member._replace(file=member.file._replace(uid=uid, gid=gid, mtime=mtime))


def _rules(daemon: Daemon) -> UnpackRules:
    return UnpackRules(
        follows_dangling=not daemon.clamps_archives,
        refuses_escapes=not daemon.clamps_archives,
        keeps_folder=True,
        links_take_entries=True,
        tells_lost_folders=True,
    )


def _words(error: UnpackError, daemon: Daemon) -> str:
    """Return what a daemon says of an entry without a place."""
    operation, paths = error.operation, list(error.paths)
    if operation == "name":
        return f"invalid entry name {quote(paths[0])}"
    if operation == "hard link target":
        return f"invalid hardlink target {quote(paths[0])}"
    first = [paths.pop(0)] if operation == "symlink" and len(paths) > 1 else []  # as it is written
    if daemon.clamps_archives:  # it unpacks in a root of its own
        operation = "lstat" if operation == "stat" else operation
        paths = [f"/{path}" for path in paths]
    else:
        operation += "at"
    return f"{operation} {' '.join([*first, *paths])}: {error.reason}"
