"""What a file operation of LLB does: one action after the other.

https://github.com/moby/buildkit/blob/master/solver/pb/ops.proto, message `FileOp`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebuilders.evaluation.copy_step import resolve_owner
from imagebuilders.evaluation.copying import EXCLUDES, CopyOptions, compile_patterns, copy
from imagebuilders.evaluation.file_system import FileSystem
from imagebuilders.evaluation.paths_in_trees import make_folders, resolve_target
from imagebuilders.evaluation.selection import matching
from imagebuilders.evaluation.trees import Folder, empty_folder, stamped
from imagebuilders.evaluation.unpacking import is_archive, unpack
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path
from imagebuilders.oci.file_tree import File

if TYPE_CHECKING:
    from imagebuilders.buildkit.proto.ops_pb2 import (
        ChownOpt,
        FileAction,
        FileActionCopy,
        FileActionMkDir,
        FileActionMkFile,
        FileActionRm,
        FileActionSymlink,
    )
    from imagebuilders.context.rules import IgnoreRules
    from imagebuilders.evaluation.daemon import Daemon
    from imagebuilders.evaluation.file_system import Place

_PERMISSIONS = 0o7777


@dataclass(frozen=True)
class FileActions:
    """Does the actions of one operation.

    Attributes:
        daemon: whose ways and words count.
        clock: the time of what is made, in nanoseconds since 1970.
    """

    daemon: Daemon
    clock: Callable[[], int]

    def do(self, action: FileAction, below: Folder | None, source: Folder | None) -> Folder:
        """Return the files behind an action.

        Args:
            action: the action.
            below: the files before it; `None` if nothing was ever written.
            source: the files that a copy takes.

        Raises:
            EvaluationError: it cannot be done.
        """
        files = FileSystem(below or empty_folder(), self.clock)
        kind = action.WhichOneof("action")
        has_tree = below is not None
        if kind == "copy":
            self._copy(action.copy, files, source or empty_folder(), has_tree=has_tree)
        elif kind == "mkfile":
            self._make_file(action.mkfile, files, has_tree=has_tree)
        elif kind == "mkdir":
            self._make_folder(action.mkdir, files, has_tree=has_tree)
        elif kind == "rm":
            _remove(action.rm, files)
        elif kind == "symlink":
            self._link(action.symlink, files, has_tree=has_tree)
        return files.tree

    def _copy(
        self, action: FileActionCopy, files: FileSystem, source: Folder, *, has_tree: bool
    ) -> None:
        options = CopyOptions(
            owner=_owner(action.owner, files, has_tree=has_tree),
            mode=None if action.mode < 0 else action.mode & _PERMISSIONS,
            include=_patterns(action.include_patterns, "includepatterns"),
            exclude=_patterns(action.exclude_patterns, EXCLUDES),
            contents=action.dirCopyContents,
            follow=action.followSymlink,
        )
        path = clean_path(f"/{action.src}")[1:]
        paths = matching(source, path) if action.allowWildcard else [path]
        if not paths and not action.allowEmptyWildcard:
            raise EvaluationError(f"lstat /{path}: no such file or directory")
        for name in paths:
            entry = source.find(name)
            if (
                action.attemptUnpackDockerCompatibility
                and isinstance(entry, File)
                and is_archive(entry)
            ):
                unpack(entry, files, action.dest, options.owner, self.daemon)
            else:
                copy(source, name, files, action.dest, options, self.daemon)

    def _make_file(self, action: FileActionMkFile, files: FileSystem, *, has_tree: bool) -> None:
        place = _place(files, action.path)
        user, group = _owner(action.owner, files, has_tree=has_tree) or (0, 0)
        mode = action.mode & _PERMISSIONS
        made = File("file", mode, user, group, data=action.data)
        place.put(stamped(made, self._time(action.timestamp)))

    def _make_folder(self, action: FileActionMkDir, files: FileSystem, *, has_tree: bool) -> None:
        owner = _owner(action.owner, files, has_tree=has_tree)
        path = resolve_target(files, action.path)
        if not action.makeParents:
            _place(files, action.path)
        make_folders(files, path, action.mode & _PERMISSIONS, owner, self.daemon)

    def _link(self, action: FileActionSymlink, files: FileSystem, *, has_tree: bool) -> None:
        place = _place(files, action.newpath)
        user, group = _owner(action.owner, files, has_tree=has_tree) or (0, 0)
        made = File("symlink", 0o777, user, group, link=action.oldpath)
        place.put(stamped(made, self._time(action.timestamp)))

    def _time(self, timestamp: int) -> int:
        return self.clock() if timestamp < 0 else timestamp


def _place(files: FileSystem, path: str) -> Place:
    """Return where something is made, in a folder that has to be there."""
    resolved = resolve_target(files, path)
    above = resolved.rpartition("/")[0]
    if above and files.place(above).folder() is None:
        raise EvaluationError(f"open /{resolved}: no such file or directory")
    return files.place(resolved)


def _remove(action: FileActionRm, files: FileSystem) -> None:
    path = clean_path(f"/{action.path}")[1:]
    paths = matching(files.tree, path) if action.allowWildcard else [path]
    for name in paths:
        place = files.place(name)
        if place.entry() is not None:
            place.remove()
        elif not action.allowNotFound:
            raise EvaluationError(f"lstat /{name}: no such file or directory")


def _owner(owner: ChownOpt, files: FileSystem, *, has_tree: bool) -> tuple[int, int] | None:
    written = ":".join(
        str(part.byID) if part.WhichOneof("user") == "byID" else part.byName.name
        for part in (owner.user, owner.group)
        if part.WhichOneof("user")
    )
    return resolve_owner(written, files, has_tree=has_tree)


def _patterns(patterns: Sequence[str], what: str) -> IgnoreRules | None:
    return compile_patterns(patterns, what) if patterns else None
