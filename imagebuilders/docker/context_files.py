"""The context as a classic build needs it: with the Dockerfile in the archive.

The engine reads the Dockerfile out of the archive, even where the ignore rules leave it out, and
takes it away again if the `.dockerignore` *in the archive* excludes it (see
`imagebuilders.context.reapply`). So the archive gets what the engine needs, and a `.dockerignore`
that has it taken away; steps see the files that the rules keep, no more and no less.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from imagebuilders.context.archive import ArchiveType
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.ignore_file import IGNORE_FILE, read_ignore_file
from imagebuilders.context.reapply import dropping_line, drops, keeping_line, with_lines
from imagebuilders.exceptions import BuildContextError, IgnoreFileError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.context.snapshot import ContextSnapshot


@dataclass(frozen=True)
class EngineContext:
    """What to send to the engine.

    Attributes:
        snapshot: the files.
        dockerfile: the Dockerfile's path among them.
        given_dockerfile: what the caller called it.
        dockerfile_content: what is in it.
    """

    snapshot: ContextSnapshot
    dockerfile: str
    given_dockerfile: str
    dockerfile_content: bytes = field(repr=False)

    def read_dockerfile(self) -> bytes:
        """Return the Dockerfile's content."""
        return self.dockerfile_content

    def with_entries(self, entries: Sequence[Entry]) -> EngineContext:
        """Return the same with further files, whatever the ignore rules say."""
        if not entries:
            return self
        return replace(self, snapshot=self.snapshot.with_entries(entries))

    def archive(self, *, compress: bool = False, keep_mtimes: bool = True) -> Iterator[bytes]:
        """Return the archive in pieces; permission bits are those on disk.

        Args:
            compress: whether to make a gzipped one.
            keep_mtimes: whether times are those on disk, too, in place of one fixed time.

        Raises:
            ContextChangedError: a file changed meanwhile.
            BuildContextError: a file cannot be read, or `SOURCE_DATE_EPOCH` is no number.
        """
        archive_type = ArchiveType.TAR_GZ if compress else ArchiveType.TAR
        return self.snapshot.iter_archive(archive_type, keep_mtimes=keep_mtimes, keep_modes=True)


def engine_context(snapshot: ContextSnapshot) -> EngineContext:
    """Return what is sent to the engine; the snapshot given stays as it is.

    Args:
        snapshot: the context, with its Dockerfile.

    Raises:
        BuildContextError: it has no Dockerfile, or is otherwise at fault.
        ContextChangedError: something changed meanwhile.
    """
    found = snapshot.dockerfile
    if found is None:
        raise BuildContextError("The build context has no Dockerfile.")
    ignore_file = snapshot.find(IGNORE_FILE)
    rules = _rules(snapshot, ignore_file)
    entries: list[Entry] = []
    name = found.path if _can_be_asked_for(found.path) else None
    if name is not None and _is_file(snapshot.find(name)):
        lines = [keeping_line(path) for path in (name, IGNORE_FILE) if drops(rules, path)]
    else:
        name, lines = _place(snapshot, name, found.content, rules)
        entries.append(_file(name, found.content, found.mode, found.mtime_ns))
        if ignore_file is None:
            lines.append(dropping_line(IGNORE_FILE))
        elif drops(rules, IGNORE_FILE):
            lines.append(keeping_line(IGNORE_FILE))
    if ignore_file is not None and ignore_file.type is EntryType.FILE:
        content = with_lines(rules, lines) if lines else rules
        entries.append(_file(IGNORE_FILE, content, ignore_file.mode, ignore_file.mtime_ns))
    elif lines:
        entries.append(_file(IGNORE_FILE, with_lines(rules, lines)))
    return EngineContext(snapshot.with_entries(entries), name, found.name, found.content)


def _can_be_asked_for(path: str | None) -> bool:
    """Say whether a path can stand in a query, which is UTF-8."""
    try:
        return path is not None and bool(path.encode())
    except UnicodeEncodeError:
        return False


def _place(
    snapshot: ContextSnapshot, path: str | None, content: bytes, rules: bytes
) -> tuple[str, list[str]]:
    """Return where to put a Dockerfile that cannot stay, and the lines that take it away."""
    if path is not None and snapshot.find(path) is None and drops(rules, path):
        folder = posixpath.dirname(path)
        if not folder or snapshot.find(folder) is not None:
            return path, []
    name = f".dockerfile.{hashlib.sha256(content).hexdigest()[:32]}"
    return name, [dropping_line(name)]


def _rules(snapshot: ContextSnapshot, ignore_file: Entry | None) -> bytes:
    """Return the content of the `.dockerignore` in the context; the engine follows a link."""
    if ignore_file is None:
        return b""
    if ignore_file.type is EntryType.FILE:
        return snapshot.read(ignore_file)
    if ignore_file.type is EntryType.DIRECTORY:
        raise IgnoreFileError(
            f"The build context has a folder named {IGNORE_FILE}, which the engine takes for its "
            "ignore file. Rename the folder, or leave it out with the ignore file.",
            path=IGNORE_FILE,
        )
    path = os.fsdecode(ignore_file.source)
    known = snapshot.ignore_file
    if known is not None and os.path.abspath(known.file.path) == os.path.abspath(path):
        return known.file.content
    if not os.path.isfile(path):
        return b""
    return read_ignore_file(path).file.content


def _is_file(entry: Entry | None) -> bool:
    return entry is not None and entry.type is EntryType.FILE


def _file(path: str, content: bytes, mode: int = 0o644, mtime_ns: int | None = None) -> Entry:
    return Entry(path, EntryType.FILE, mode, len(content), mtime_ns, source=content)
