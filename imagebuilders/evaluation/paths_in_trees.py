"""Where paths of a tree lead, and the folders that are made on the way."""

from __future__ import annotations

from imagebuilders.evaluation.accounts import UNCHANGED
from imagebuilders.evaluation.daemon import Daemon
from imagebuilders.evaluation.file_system import (
    FileSystem,
    LinkLoopError,
    NotAFolderError,
    Place,
    TooManyLinksError,
    resolve_path,
)
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.file_tree import File

FOLDER_MODE = 0o755
"""The mode of folders that are made on the way."""


def make_folders(
    files: FileSystem,
    path: str,
    mode: int,
    owner: tuple[int, int] | None,
    daemon: Daemon,
) -> Place:
    """Make a folder and all above it that are not there; return its place.

    Args:
        files: what is written into.
        path: which; its links have been followed.
        mode: the mode of new folders; only permissions count.
        owner: who new folders belong to; `None` for root, in the group of the folder above if
            that has the set-group-ID bit.
        daemon: whose ways count.

    Raises:
        EvaluationError: something on the way is no folder.
    """
    place = files.root
    if owner is not None:
        owner = (0 if owner[0] == UNCHANGED else owner[0], 0 if owner[1] == UNCHANGED else owner[1])
    for name in path.split("/") if path else ():
        place = place.child(name)
        entry = place.entry()
        if entry is None:
            place.make_folder(mode & 0o777 & ~daemon.umask, owner)
        elif not isinstance(entry, Folder):
            raise EvaluationError(f"mkdir {daemon.root()}/{place.path}: not a directory")
    return place


def resolve_target(files: FileSystem, path: str) -> str:
    """Return where a path of the tree that is written into leads, links followed.

    Raises:
        EvaluationError: links do not end, or the way leads through a file.
    """
    try:
        return files.resolve(path)
    except TooManyLinksError as error:
        raise EvaluationError("too many links") from error
    except LinkLoopError as error:
        raise EvaluationError(f"lstat /{error.path}: too many levels of symbolic links") from error
    except NotAFolderError as error:
        raise EvaluationError(f"lstat /{error.path}: not a directory") from error


def resolve_source(source: Folder, path: str, *, follow: bool = True) -> str:
    """Return where a path of the tree that is copied from leads, links followed.

    Args:
        source: the tree.
        path: the path.
        follow: also a link at its end is followed.

    Raises:
        EvaluationError: links do not end, or the way leads through a file.
    """

    def look(path: str) -> File | Folder | None:
        found = source.find(path)
        if found is None:
            above = path
            while above and found is None:
                above = above.rpartition("/")[0]
                found = source.find(above)
            if isinstance(found, File) and found.kind != "symlink":
                raise EvaluationError(f"lstat /{path}: not a directory")
            return None
        return found

    try:
        if follow:
            return resolve_path(path, look)
        folder, _, name = path.strip("/").rpartition("/")
        return f"{resolve_path(folder, look)}/{name}".strip("/")
    except TooManyLinksError as error:
        raise EvaluationError("too many links") from error
