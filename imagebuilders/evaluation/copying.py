"""Copying of files and folders into a tree, as COPY and ADD do it.

The rules are those of BuildKit's copier (https://github.com/tonistiigi/fsutil, folder `copy`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.evaluation.accounts import UNCHANGED
from imagebuilders.evaluation.daemon import Daemon
from imagebuilders.evaluation.file_system import FileSystem, Place
from imagebuilders.evaluation.paths_in_trees import (
    FOLDER_MODE,
    make_folders,
    resolve_source,
    resolve_target,
)
from imagebuilders.evaluation.symbolic_mode import SymbolicMode
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import trim_space
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.file_tree import File, new_inode

EXCLUDES = "excludepatterns"
"""What daemons call the patterns of what is left out."""


@dataclass(frozen=True)
class CopyOptions:
    """How files are copied.

    Attributes:
        owner: user and group of what is made; `None` to keep those of the source, and for root
            where there is none.
        mode: what files and folders get instead of their own mode; also what folders get that
            are made on the way.
        symbolic_mode: how modes are changed.
        include: what is copied, relative to the source; `None` for everything.
        exclude: what is left out.
        contents: of a folder what is in it is copied, not the folder.
        follow: a source that is a link is followed.
    """

    owner: tuple[int, int] | None = None
    mode: int | None = None
    symbolic_mode: SymbolicMode | None = None
    include: IgnoreRules | None = None
    exclude: IgnoreRules | None = None
    contents: bool = True
    follow: bool = True


class Matches(NamedTuple):
    """The patterns that hit the folder above, as bit sets."""

    included: int = 0
    excluded: int = 0


class _Parent:
    """A folder on the way to what is copied, made when something in it is."""

    def __init__(self, source: Folder, target: Place, *, is_made: bool) -> None:
        self.source = source
        self.target = target
        self.is_made = is_made


def copy(
    source: Folder, path: str, files: FileSystem, target: str, options: CopyOptions, daemon: Daemon
) -> None:
    """Copy what is at a path of a tree to a place of another.

    Args:
        source: the tree that is copied from.
        path: what of it, without wildcards.
        files: what is written into.
        target: where to; if it ends in `/` or `/.`, into the folder of this name.
        options: how.
        daemon: whose ways and words count.

    Raises:
        EvaluationError: it cannot be done.
    """
    _Copier(files, options, daemon).copy(source, path, target)


class _Copier:
    """One run of the copier; hard links are kept within it."""

    def __init__(self, files: FileSystem, options: CopyOptions, daemon: Daemon) -> None:
        self._files = files
        self._options = options
        self._daemon = daemon
        self._inodes: dict[int, int] = {}
        self._parents: list[_Parent] = []
        self._parent_mode = FOLDER_MODE
        if options.mode is not None and daemon.modes_parents:
            self._parent_mode = options.mode

    def copy(self, source: Folder, path: str, target: str) -> None:
        """Copy one source."""
        name = target.rpartition("/")[2]
        ensured = target if name in ("", ".") else target[: len(target) - len(name)]
        self._make_folders(resolve_target(self._files, ensured))
        resolved = resolve_target(self._files, target)
        found = resolve_source(source, path, follow=self._options.follow)
        entry = source.find(found)
        if entry is None:
            raise EvaluationError(f"lstat {self._daemon.root()}/{found}: no such file or directory")
        place = self._prepare(entry, path, resolved)
        self._copy(entry, "", place, Matches(), overwrite=False)

    def _prepare(self, entry: File | Folder, path: str, target: str) -> Place:
        """Return where a source goes, and make the folders on the way."""
        place = self._files.place(target)
        there = place.entry()
        is_folder = isinstance(entry, Folder)
        into_folder = there is not None if is_folder else isinstance(there, Folder)
        if into_folder and not (is_folder and self._options.contents):
            name = path.strip("/").rpartition("/")[2]
            place = place.child(name) if name else place
        is_new_folder = is_folder and self._options.contents and there is None
        self._make_folders(place.path if is_new_folder else place.path.rpartition("/")[0])
        return place

    def _make_folders(self, path: str) -> None:
        make_folders(self._files, path, self._parent_mode, self._options.owner, self._daemon)

    def _copy(
        self,
        entry: File | Folder,
        path: str,
        place: Place,
        above: Matches,
        *,
        overwrite: bool,
    ) -> None:
        """Copy one entry.

        Args:
            entry: what.
            path: its path relative to the source; empty for the source itself.
            place: where to.
            above: what the patterns say of the folder above.
            overwrite: a folder that is there gets the mode, owner and time of this one.
        """
        is_included, is_excluded, matches = self._judge(path, above)
        if isinstance(entry, Folder):
            self._copy_folder(
                entry,
                path,
                place,
                matches,
                overwrite=overwrite,
                is_included=is_included,
                is_excluded=is_excluded,
            )
            return
        if not is_included:
            return
        self._make_parents(overwrite=overwrite)
        if place.folder() is not None:
            raise EvaluationError(
                f"cannot replace to directory {self._daemon.mount}/{place.path} with file"
            )
        place.put(self._changed(entry))

    def _judge(self, path: str, above: Matches) -> tuple[bool, bool, Matches]:
        """Return whether something is copied, whether it is left out by name, and what hit it."""
        include, exclude = self._options.include, self._options.exclude
        if not path or (include is None and exclude is None):
            return True, False, above
        is_included, is_excluded = True, False
        included = excluded = 0
        if include is not None:
            verdict = include.judge(path, above.included)
            is_included, included = verdict.excluded, verdict.hits
        if exclude is not None:
            verdict = exclude.judge(path, above.excluded)
            is_excluded, excluded = verdict.excluded, verdict.hits
        return is_included and not is_excluded, is_excluded, Matches(included, excluded)

    def _copy_folder(
        self,
        source: Folder,
        path: str,
        place: Place,
        matches: Matches,
        *,
        overwrite: bool,
        is_included: bool,
        is_excluded: bool,
    ) -> None:
        was_there = place.entry() is not None
        is_made = False
        if is_included:
            self._make_parents(overwrite=overwrite)
            is_made = self._make_folder(source, place, overwrite=overwrite)
        self._parents.append(_Parent(source, place, is_made=is_included))
        exclude = self._options.exclude
        if not is_excluded or (exclude is not None and exclude.has_negations):
            prefix = f"{path}/" if path else ""
            for name in source.sorted_names():
                self._copy(
                    source.names[name], prefix + name, place.child(name), matches, overwrite=True
                )
        self._parents.pop()
        if is_made or (overwrite and is_included):
            place.set_file(self._changed(source.file))
        elif not overwrite and was_there:
            own = place.own().file
            place.set_file(
                own._replace(mtime=source.file.mtime, nanoseconds=source.file.nanoseconds)
            )

    def _make_parents(self, *, overwrite: bool) -> None:
        """Make the folders on the way to something that is copied."""
        for parent in self._parents:
            if not parent.is_made:
                if self._make_folder(parent.source, parent.target, overwrite=overwrite):
                    parent.target.set_file(self._changed(parent.source.file))
                parent.is_made = True

    def _make_folder(self, source: Folder, place: Place, *, overwrite: bool) -> bool:
        """Make a folder, or change the mode of the one that is there; return whether it is new."""
        entry = place.entry()
        if entry is None:
            place.make_folder(source.file.mode)
            return True
        if not isinstance(entry, Folder):
            raise EvaluationError(
                f"cannot copy to non-directory: {self._daemon.mount}/{place.path}"
            )
        if overwrite:
            place.set_file(place.own().file._replace(mode=source.file.mode))
        return False

    def _changed(self, file: File) -> File:
        """Return a file as it is where it is copied to."""
        uid, gid = self._options.owner or (file.uid, file.gid)
        mode = file.mode
        if file.kind != "symlink":
            if self._options.symbolic_mode is not None:
                mode = self._options.symbolic_mode.apply(mode, is_folder=file.kind == "dir")
            elif self._options.mode is not None:
                mode = self._options.mode
        inode = 0
        if file.inode:
            known = self._inodes.get(file.inode)
            inode = known or self._inodes.setdefault(file.inode, new_inode())
        return file._replace(
            mode=mode,
            uid=0 if uid == UNCHANGED else uid,
            gid=0 if gid == UNCHANGED else gid,
            inode=inode,
        )


def compile_patterns(patterns: Sequence[str], what: str) -> IgnoreRules:
    """Return patterns of paths, compiled.

    One of what is left out that begins with a slash hits nothing: paths do not.

    Args:
        patterns: the patterns.
        what: what the daemon calls them: `EXCLUDES`, or `includepatterns`.

    Raises:
        EvaluationError: one is malformed.
    """
    try:
        rules = IgnoreRules.compile([pattern for pattern in patterns if trim_space(pattern)])
        if what != EXCLUDES:
            return rules
        relative = [each for each in rules.patterns if not _is_absolute(each.text)]
        return rules if len(relative) == len(rules.patterns) else IgnoreRules(relative)
    except RuleError as error:
        alone = error.pattern.strip("! \t") == ""
        problem = 'illegal exclusion pattern: "!"' if alone else "syntax error in pattern"
        raise EvaluationError(f"invalid {what}: [{' '.join(patterns)}]: {problem}") from error


def _is_absolute(pattern: str) -> bool:
    text = trim_space(pattern)
    return trim_space(text[1:] if text.startswith("!") else text).startswith("/")
