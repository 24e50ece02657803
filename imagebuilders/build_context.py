"""`BuildContext`: which files a build may use, as which archive, under which digest."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator
from typing import IO

from imagebuilders.archivable import Archivable, ArchiveType
from imagebuilders.context.advice import LARGE_CONTEXT, looks_secret, warn_of_secrets
from imagebuilders.context.archive import archive_stream
from imagebuilders.context.content import read_whole
from imagebuilders.context.digest_cache import DigestCache, cache_folder
from imagebuilders.context.entries import Entry, EntryType, show_path
from imagebuilders.context.explain import Explanation, explain
from imagebuilders.context.ignore_file import (
    IGNORE_FILE,
    IgnoreLine,
    compile_rules,
    read_lines,
    rule_error,
)
from imagebuilders.context.manifest import digest_entries, digest_records, record
from imagebuilders.context.reapply import keep_on_reapply
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.context.walk import Selected, inspect, select
from imagebuilders.go_text import clean_path

__all__ = ["REPOSITORY_DIRECTORY_NAME", "BuildContext"]

logger = logging.getLogger(__name__)

REPOSITORY_DIRECTORY_NAME = ".zen"


class BuildContext(Archivable):
    """The files of a folder that a build may use, and extra files beside them.

    The folder's ignore file is read as Docker reads it. Nothing is read before it is needed, and
    what is read is read anew each time: the object holds no state of the folder.
    """

    def __init__(self, root: str | None = None, dockerignore_file: str | None = None) -> None:
        """Make a context.

        Args:
            root: the folder; without one, the context has only its extra files.
            dockerignore_file: the ignore file, instead of `<root>/.dockerignore`.
        """
        super().__init__()
        self._root = None if root is None else os.fspath(root)
        self._dockerignore_file = (
            None if dockerignore_file is None else os.fspath(dockerignore_file)
        )
        self._ignore_files = frozenset((IGNORE_FILE, f"Dockerfile{IGNORE_FILE}"))
        self._warned: set[str] = set()

    @property
    def root(self) -> str | None:
        """The folder."""
        return self._root

    @property
    def dockerignore_file(self) -> str | None:
        """The ignore file: the one given, else `<root>/.dockerignore` if it exists."""
        if self._dockerignore_file is not None:
            return self._dockerignore_file
        if self._root is not None:
            default = os.path.join(self._root, IGNORE_FILE)
            if os.path.exists(default):
                return default
        return None

    def for_dockerfile(self, dockerfile: str) -> BuildContext:
        """Give the context to use with a Dockerfile.

        A file `<dockerfile>.dockerignore` beside the Dockerfile wins over `.dockerignore`, unless
        an ignore file was given. The result has the same extra files and may be changed alone.

        Args:
            dockerfile: the Dockerfile, relative to the root.
        """
        context = copy.copy(self)
        context._extra = self._extra.copy()
        own_name = clean_path("/" + f"{dockerfile}{IGNORE_FILE}")[1:]
        context._ignore_files = self._ignore_files | {own_name}
        if self._dockerignore_file is None and self._root is not None:
            own = os.path.join(self._root, f"{dockerfile}{IGNORE_FILE}")
            if os.path.exists(own):
                context._dockerignore_file = own
        return context

    def get_files(self) -> dict[str, str]:
        """Give the files, links and directories of the folder that the ignore rules keep.

        Returns:
            The path on the file system by the path in the archive, in the archive's order:
            parents first, the names of a directory in byte order.

        Raises:
            BuildContextError: the root is no directory, or something in it cannot be archived.
            IgnoreFileError: the ignore file cannot be read, or a line is no pattern.
        """
        return {selected.path: selected.source for selected in self._select()}

    def digest(self, *, use_cache: bool = True) -> str:
        """Give `sha256:<hex>` over paths, types, modes, contents and link targets.

        Args:
            use_cache: whether to remember the hashes of files in the user's cache folder, so that
                an unchanged file is not read again.

        Raises:
            BuildContextError: something cannot be read.
            ContextChangedError: something changed while it was read.
        """
        folder = cache_folder() if use_cache and self._root is not None else None
        if folder is None or self._root is None:
            return digest_entries(self.entries())
        with DigestCache(folder, self._root, self.dockerignore_file) as cache:
            if self._extra or self._selects_itself():
                return digest_entries(self.entries(), cache.content_hash)
            return digest_records(self._records(cache))

    def explain(self, path: str) -> Explanation:
        """Tell why a path is in the context or not, and by which line of the ignore file.

        Args:
            path: the path, relative to the root; it need not exist.

        Raises:
            IgnoreFileError: the ignore file cannot be read, or a line is no pattern.
        """
        path = clean_path("/" + os.fspath(path))[1:]
        if path in self._extra:
            reason = f"{show_path(path)} is kept: it was added to the context."
            return Explanation(path, True, None, None, None, None, reason)
        if not path:
            return Explanation(path, True, None, None, None, None, "The root itself is kept.")
        file = self.dockerignore_file
        try:
            return explain(path, self._rules(), file, self.root)
        except RuleError as error:
            raise rule_error(error, path=file) from error

    def iter_archive(
        self, archive_type: ArchiveType = ArchiveType.TAR, *, keep_mtimes: bool = False
    ) -> Iterator[bytes]:
        """Give the archive in pieces; see `Archivable.iter_archive`."""
        return archive_stream(self._watched_entries(), archive_type, keep_mtimes=keep_mtimes)

    def write_archive(
        self,
        output_file: IO[bytes],
        use_gzip: bool | ArchiveType = True,
        archive_type: ArchiveType | None = None,
        *,
        keep_mtimes: bool = False,
    ) -> None:
        """Write the archive to a file; see `Archivable.write_archive`.

        Warns when a folder without an ignore file makes an archive of more than 50 MiB.
        """
        super().write_archive(output_file, use_gzip, archive_type, keep_mtimes=keep_mtimes)
        if self._root is None or self.dockerignore_file is not None:
            return
        size = output_file.seek(0, os.SEEK_END)
        output_file.seek(0)
        if size > LARGE_CONTEXT:
            logger.warning(
                "The archive of the build context %s has %.1f MiB. Unless all of it is needed, "
                "leave files out with a .dockerignore in that folder; `imagebuilders context ls` "
                "shows the largest ones.",
                os.path.abspath(self._root),
                size / 1024**2,
            )

    def entries(self, *, rewrite_ignore_files: bool = True) -> Iterator[Entry]:
        """Give what goes into the archive, extra files included, in its order.

        An ignore file in the archive keeps its content as long as reading it once more would drop
        nothing; otherwise lines are added to it (see `imagebuilders.context.reapply`).

        Args:
            rewrite_ignore_files: whether to add those lines.

        Raises:
            BuildContextError: something cannot be archived.
            IgnoreFileError: the ignore file cannot be read, or a line is no pattern.
            ContextChangedError: something vanished meanwhile.
        """
        guarded: frozenset[str] = self._ignore_files if rewrite_ignore_files else frozenset()
        for entry in super().entries():
            yield self._guard(entry) if entry.path in guarded else entry

    def _watched_entries(self) -> Iterator[Entry]:
        """Give the entries, and warn once of those that look like secrets."""
        secrets = []
        for entry in self.entries():
            if entry.path not in self._warned and looks_secret(entry.path):
                secrets.append(entry.path)
            yield entry
        self._warned.update(secrets)
        warn_of_secrets(secrets)

    def _guard(self, entry: Entry) -> Entry:
        """Give an ignore file as it should stand in the archive."""
        if entry.type is not EntryType.FILE:
            return entry
        content = read_whole(entry)
        path = self.dockerignore_file
        applied = None if path is None else read_lines(path)
        guarded = keep_on_reapply(content, applied, self._protected())
        if guarded == content:
            return entry
        return entry._replace(source=guarded, size=len(guarded))

    def _protected(self) -> Iterator[str]:
        """Give what is in the context whatever the ignore file says."""
        for entry in self._extra.entries():
            yield entry.path
        if self._root is not None:
            always = os.path.join(self._root, REPOSITORY_DIRECTORY_NAME)
            if os.path.lexists(always):
                yield REPOSITORY_DIRECTORY_NAME
            if os.path.isdir(always) and not os.path.islink(always):
                for selected in select(always, IgnoreRules()):
                    yield f"{REPOSITORY_DIRECTORY_NAME}/{selected.path}"

    def _selected_entries(self) -> Iterator[Entry]:
        if self._selects_itself():
            yield from super()._selected_entries()
            return
        for path, _, source in self._select():
            yield inspect(path, source)

    def _selects_itself(self) -> bool:
        """Say whether a subclass selects files in a way of its own."""
        return type(self).get_files is not BuildContext.get_files

    def _records(self, cache: DigestCache) -> Iterator[str]:
        """Give the manifest of a context without extra files, with what the cache remembers."""
        for path, kind, source in self._select():
            guarded = path in self._ignore_files
            known = None
            if kind is EntryType.FILE and not guarded:
                known = cache.known_record(path, source)
            if known is None:
                entry = inspect(path, source)
                known = record(self._guard(entry) if guarded else entry, cache.content_hash)
            yield known

    def _select(self) -> Iterator[Selected]:
        if self._root is None:
            return
        try:
            yield from select(self._root, self._rules())
        except RuleError as error:
            raise rule_error(error, path=self.dockerignore_file) from error

    def _rules(self) -> IgnoreRules:
        path = self.dockerignore_file
        if path is None:
            return IgnoreRules()
        always = IgnoreLine(0, f"!/{REPOSITORY_DIRECTORY_NAME}")
        below = IgnoreLine(0, f"!/{REPOSITORY_DIRECTORY_NAME}/**")
        return compile_rules([*read_lines(path), always, below], path=path)

    def _get_exclude_patterns(self) -> list[str]:
        """Give the patterns of the ignore file; the last keeps the `.zen` folder in."""
        path = self.dockerignore_file
        if path is None:
            logger.info(
                "The build context %s has no ignore file, so all of its files are used.",
                self._root,
            )
            return []
        return [*self._parse_dockerignore(path), f"!/{REPOSITORY_DIRECTORY_NAME}"]

    @staticmethod
    def _parse_dockerignore(dockerignore_path: str) -> list[str]:
        """Give the patterns of an ignore file, without blank lines and comments."""
        if not os.path.exists(dockerignore_path):
            logger.warning("The ignore file %s does not exist.", dockerignore_path)
            return []
        return [line.text for line in read_lines(dockerignore_path)]
