"""`BuildContext`: which files a build may use, as which archive, under which digest."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator

from imagebuilders.archivable import Archivable, ArchiveType
from imagebuilders.context.advice import Notices
from imagebuilders.context.dockerfile_lookup import DEFAULT_DOCKERFILE, dockerfile_name
from imagebuilders.context.entries import Entry, show_path
from imagebuilders.context.explain import Explanation, explain
from imagebuilders.context.ignore_file import (
    IGNORE_FILE,
    IgnoreFile,
    IgnoreLine,
    compile_rules,
    read_ignore_file,
    rule_error,
)
from imagebuilders.context.rules import IgnoreRules, RuleError
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.context.snapshot_builder import SnapshotBuilder
from imagebuilders.context.walk import select
from imagebuilders.control_files import is_there
from imagebuilders.exceptions import BuildContextError
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

        Raises:
            BuildContextError: one of them is not a path.
        """
        super().__init__()
        self._root = None if root is None else _path(root, "root")
        self._dockerignore_file = (
            None if dockerignore_file is None else _path(dockerignore_file, "dockerignore_file")
        )
        self._dockerfile: str | None = None
        self._ignore_files = frozenset((IGNORE_FILE, f"{DEFAULT_DOCKERFILE}{IGNORE_FILE}"))
        self._notices = Notices()

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
            if is_there(default):
                return default
        return None

    def for_dockerfile(self, dockerfile: str) -> BuildContext:
        """Return the context to use with a Dockerfile.

        A file `<dockerfile>.dockerignore` beside the Dockerfile wins over `.dockerignore`, unless
        an ignore file was given. The result has the same extra files and may be changed alone.

        Args:
            dockerfile: the Dockerfile, relative to the root. `Dockerfile` also means the
                `dockerfile` of a folder that has no `Dockerfile`.
        """
        context = copy.copy(self)
        context._extra = self._extra.copy()
        dockerfile = dockerfile_name(self._root, os.fspath(dockerfile), self._extra.__contains__)
        context._dockerfile = dockerfile
        own_name = clean_path("/" + f"{dockerfile}{IGNORE_FILE}")[1:]
        context._ignore_files = self._ignore_files | {own_name}
        if self._dockerignore_file is None and self._root is not None:
            own = os.path.join(self._root, f"{dockerfile}{IGNORE_FILE}")
            if is_there(own):
                context._dockerignore_file = own
        return context

    def get_files(self) -> dict[str, str]:
        """Return the files, links and directories of the folder that the ignore rules keep.

        Returns:
            The path on the file system by the path in the archive, in the archive's order:
            parents first, the names of a directory in byte order.

        Raises:
            BuildContextError: the root is no directory, or something in it cannot be archived.
            IgnoreFileError: the ignore file cannot be read, or a line is no pattern.
        """
        if self._root is None:
            return {}
        rules, _ = self._rules()
        try:
            return {path: source for path, _, source in select(self._root, rules)}
        except RuleError as error:
            raise rule_error(error, path=self.dockerignore_file) from error

    def digest(self, *, use_cache: bool = True) -> str:
        """Return `sha256:<hex>` over paths, types, modes, contents and link targets.

        Args:
            use_cache: whether to remember the hashes of files in the user's cache folder, so that
                an unchanged file is not read again.

        Raises:
            BuildContextError: something cannot be read.
            ContextChangedError: something changed while it was read.
        """
        return self.snapshot().digest(use_cache=use_cache)

    def explain(self, path: str) -> Explanation:
        """Return why a path is in the context or not, and by which line of the ignore file.

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
            return explain(path, self._rules()[0], file, self.root)
        except RuleError as error:
            raise rule_error(error, path=file) from error

    def iter_archive(
        self, archive_type: ArchiveType = ArchiveType.TAR, *, keep_mtimes: bool = False
    ) -> Iterator[bytes]:
        """Return the archive in pieces; see `Archivable.iter_archive`.

        A warning names what looks like secrets, and another the size of more than 50 MiB of a
        folder without an ignore file; each comes once for a context.
        """
        return self.snapshot().iter_archive(archive_type, keep_mtimes=keep_mtimes)

    def entries(self, *, rewrite_ignore_files: bool = True) -> Iterator[Entry]:
        """Return what goes into the archive, extra files included, in its order.

        An ignore file in the archive keeps its content as long as reading it once more would drop
        nothing; otherwise lines are added to it (see `imagebuilders.context.reapply`).

        Args:
            rewrite_ignore_files: whether to add those lines.

        Raises:
            BuildContextError: something cannot be archived.
            IgnoreFileError: the ignore file cannot be read, or a line is no pattern.
            ContextChangedError: something vanished meanwhile.
        """
        return iter(self.snapshot(rewrite_ignore_files=rewrite_ignore_files))

    def snapshot(self, *, rewrite_ignore_files: bool = True) -> ContextSnapshot:
        """Walk the folder once and return the context as it is now.

        Args:
            rewrite_ignore_files: as for `entries`.

        Raises:
            BuildContextError, IgnoreFileError, ContextChangedError: as for `entries`.
        """
        builder = self._snapshot_builder()
        if rewrite_ignore_files:
            builder.rewrite_ignore_files(self._ignore_files)
        return builder.build(self._notices)

    def build_snapshot(self, dockerfile: str | None = None) -> ContextSnapshot:
        """Return the context as a build by a Dockerfile needs it, and with that Dockerfile read.

        Ignore files are left as they are, and whether the Dockerfile is among the entries depends
        on the ignore rules.

        Args:
            dockerfile: the Dockerfile, relative to the root, or a path outside it; by default
                that of `for_dockerfile`, else `Dockerfile`.

        Raises:
            BuildContextError: there is no such Dockerfile, or something cannot be archived.
            IgnoreFileError, ContextChangedError: as for `entries`.
        """
        context = self
        if dockerfile is not None or self._dockerfile is None:
            context = self.for_dockerfile(dockerfile or DEFAULT_DOCKERFILE)
        builder = context._snapshot_builder()
        builder.read_dockerfile(context._dockerfile or DEFAULT_DOCKERFILE)
        return builder.build(self._notices)

    def upload_snapshot(self) -> ContextSnapshot:
        """Return the context as it is built elsewhere: with its Dockerfile.

        That is the Dockerfile of `for_dockerfile`, else `Dockerfile`. It is in the snapshot even
        where the ignore rules drop it, as Docker sends it. There need not be one.

        Raises:
            BuildContextError, IgnoreFileError, ContextChangedError: as for `entries`.
        """
        builder = self._snapshot_builder()
        is_added = self._extra.__contains__
        name = self._dockerfile or dockerfile_name(self._root, DEFAULT_DOCKERFILE, is_added)
        builder.add_dockerfile(name)
        builder.rewrite_ignore_files(self._ignore_files)
        return builder.build(self._notices)

    def _snapshot_builder(self) -> SnapshotBuilder:
        rules, ignore_file = self._rules()
        selects_itself = type(self).get_files is not BuildContext.get_files
        return SnapshotBuilder(
            self._root,
            rules=rules,
            ignore_path=self.dockerignore_file,
            ignore_file=ignore_file,
            extra=self._extra,
            always=REPOSITORY_DIRECTORY_NAME,
            selected=self._selected_entries() if selects_itself else None,
        )

    def _rules(self) -> tuple[IgnoreRules, IgnoreFile | None]:
        """Return the rules, and the ignore file when they are what stands in it."""
        path = self.dockerignore_file
        if self._has_own_patterns():
            lines = [IgnoreLine(0, pattern) for pattern in self._get_exclude_patterns()]
            return compile_rules(lines, path=path), None
        if path is None:
            return IgnoreRules(), None
        ignore_file = read_ignore_file(path)
        always = IgnoreLine(0, f"!/{REPOSITORY_DIRECTORY_NAME}")
        below = IgnoreLine(0, f"!/{REPOSITORY_DIRECTORY_NAME}/**")
        return compile_rules([*ignore_file.lines, always, below], path=path), ignore_file

    def _has_own_patterns(self) -> bool:
        """Say whether a subclass makes the patterns in a way of its own."""
        own = type(self)
        return (
            own._get_exclude_patterns is not BuildContext._get_exclude_patterns
            or own._parse_dockerignore is not BuildContext._parse_dockerignore
        )

    def _get_exclude_patterns(self) -> list[str]:
        """Return the patterns of the ignore file; the last keeps the `.zen` folder in."""
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
        """Return the patterns of an ignore file, without blank lines and comments."""
        if not os.path.exists(dockerignore_path):
            logger.warning("The ignore file %s does not exist.", dockerignore_path)
            return []
        return [line.text for line in read_ignore_file(dockerignore_path).lines]


def _path(given: object, argument: str) -> str:
    if isinstance(given, str | bytes | os.PathLike):
        return os.fsdecode(given)
    raise BuildContextError(
        f"The {argument} of a build context is a path, as in BuildContext(root='app'), "
        f"not {type(given).__name__}."
    )
