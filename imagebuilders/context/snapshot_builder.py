"""Making a snapshot of a context, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from imagebuilders.context import tree
from imagebuilders.context.advice import Notices
from imagebuilders.context.content import read_whole
from imagebuilders.context.dockerfile_lookup import FoundDockerfile, path_inside, read_dockerfile
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.extra_files import ExtraFiles, overlay
from imagebuilders.context.faults import replaced
from imagebuilders.context.folder import Folder
from imagebuilders.context.ignore_file import IgnoreFile, rule_error
from imagebuilders.context.packing import pack_entries
from imagebuilders.context.reapply import keep_on_reapply
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.context.status import state_of
from imagebuilders.context.walk import walk


class SnapshotBuilder:
    """A snapshot in the making."""

    def __init__(
        self,
        root: str | None,
        *,
        rules: IgnoreRules,
        ignore_path: str | None,
        ignore_file: IgnoreFile | None,
        extra: ExtraFiles,
        always: str,
        selected: Iterable[Entry] | None = None,
    ) -> None:
        """Walk the folder and put what was added on top.

        Args:
            root: the folder; without one there are only the added files.
            rules: what is kept of the folder.
            ignore_path: the path of the ignore file.
            ignore_file: the ignore file, when the rules are what stands in it.
            extra: what was added.
            always: the folder that is always in.
            selected: what is kept of the folder, when it is not known by a walk.

        Raises:
            BuildContextError: something cannot be archived.
            IgnoreFileError: a line of the ignore file turns out to be no pattern.
            ContextChangedError: something vanished meanwhile.
        """
        self._root = root
        self._ignore_path = ignore_path
        self._ignore_file = ignore_file
        self._extra = extra
        self._always = always
        self._dockerfile: FoundDockerfile | None = None
        self._added_dockerfile: list[str] = []
        try:
            self._folder = self._select(rules, selected)
        except RuleError as error:
            raise rule_error(error, path=ignore_path) from error
        overlay(self._folder, extra)
        if ignore_file is not None:
            self._hold_ignore_file(ignore_file)

    def read_dockerfile(self, name: str) -> None:
        """Read the Dockerfile of a build.

        Raises:
            BuildContextError: there is no such file, or it cannot be read.
            ContextChangedError: it changed meanwhile.
        """
        path = path_inside(self._root, name)
        entry = None if path is None else tree.find(self._folder, path)
        self._dockerfile = read_dockerfile(self._root, name, entry)
        if entry is not None and entry.type is EntryType.FILE:
            self._hold(entry, self._dockerfile.content)

    def add_dockerfile(self, name: str) -> None:
        """Read the Dockerfile if there is one, and add it where the rules drop it.

        Raises:
            BuildContextError: it cannot be read.
            ContextChangedError: it changed meanwhile.
        """
        path = path_inside(self._root, name)
        if path is None:
            return
        entry = tree.find(self._folder, path)
        if entry is not None:
            if entry.type is EntryType.FILE:
                self.read_dockerfile(name)
            return
        if self._root is None or not os.path.isfile(os.path.join(self._root, name)):
            return
        found = self._dockerfile = read_dockerfile(self._root, name, None)
        added = Entry(
            path,
            EntryType.FILE,
            found.mode,
            len(found.content),
            found.mtime_ns,
            source=found.content,
        )
        self._folder = tree.replace(self._folder, added)
        self._added_dockerfile.append(path)

    def rewrite_ignore_files(self, paths: Iterable[str]) -> None:
        """Let the ignore files at these paths drop nothing when they are read once more.

        Raises:
            ContextChangedError: one of them changed meanwhile.
            BuildContextError: one of them cannot be read.
        """
        lines = None if self._ignore_file is None else self._ignore_file.lines
        for path in paths:
            entry = tree.find(self._folder, path)
            if entry is not None and entry.type is EntryType.FILE:
                content = read_whole(entry)
                self._hold(entry, keep_on_reapply(content, lines, self._protected()))

    def build(self, notices: Notices) -> ContextSnapshot:
        """Return the snapshot.

        Args:
            notices: what was already said about the context.
        """
        return ContextSnapshot(
            self._root,
            self._ignore_path,
            self._ignore_file,
            self._folder,
            self._dockerfile,
            notices,
        )

    def _select(self, rules: IgnoreRules, selected: Iterable[Entry] | None) -> Folder:
        if selected is not None:
            return pack_entries(selected)
        return Folder("", "") if self._root is None else walk(self._root, rules)

    def _hold_ignore_file(self, ignore_file: IgnoreFile) -> None:
        """Put what was read as rules into the archive, so that it is read once."""
        path = path_inside(self._root, os.path.abspath(ignore_file.file.path))
        entry = None if path is None else tree.find(self._folder, path)
        if entry is None or entry.type is not EntryType.FILE or isinstance(entry.source, bytes):
            return
        mode, size, mtime_ns, ctime_ns, inode, device = state_of(ignore_file.file.status)
        if entry[2:8] != (mode & 0o7777, size, mtime_ns, ctime_ns, inode, device):
            raise replaced(entry.source)
        self._hold(entry, ignore_file.file.content)

    def _hold(self, entry: Entry, content: bytes) -> None:
        held = entry._replace(
            size=len(content), source=content, root="", ctime_ns=0, inode=0, device=0
        )
        self._folder = tree.replace(self._folder, held)

    def _protected(self) -> Iterator[str]:
        """Yield what is in the context whatever the ignore file says."""
        for entry in self._extra.entries():
            yield entry.path
        yield from self._added_dockerfile
        if tree.find(self._folder, self._always) is not None:
            yield self._always
        below = tree.find_folder(self._folder, self._always)
        if below is not None:
            for entry in below.entries():
                yield entry.path
