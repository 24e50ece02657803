"""The context as a classic build needs it: with the Dockerfile in the archive.

The engine reads the Dockerfile out of the archive, even where the ignore rules
leave it out. It then takes the Dockerfile and the `.dockerignore` away again,
before any step sees them, if the `.dockerignore` *in the archive* excludes them:
https://github.com/moby/moby/blob/v20.10.24/builder/remotecontext/detect.go
So the archive gets what the engine needs, and a `.dockerignore` that has it
taken away; steps see the files that the rules keep, no more and no less.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagebuilders.context.archive import ArchiveType, archive_stream
from imagebuilders.context.content import read_whole
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.ignore_file import IGNORE_FILE, compile_rules, parse_lines
from imagebuilders.context.rules import RuleError
from imagebuilders.exceptions import BuildContextError, IgnoreFileError, Remedy

if TYPE_CHECKING:
    from imagebuilders.build_context import BuildContext

DEFAULT_DOCKERFILE = "Dockerfile"

_PATTERN_CHARACTERS = re.compile(r"([*?\[\]\\!#])")


@dataclass(frozen=True)
class EngineContext:
    """What to send to the engine.

    Attributes:
        entries: the files.
        dockerfile: the Dockerfile's path among them.
        given_dockerfile: what the caller called it.
    """

    entries: tuple[Entry, ...]
    dockerfile: str
    given_dockerfile: str

    def read_dockerfile(self) -> bytes:
        """Give the Dockerfile's content.

        Raises:
            ContextChangedError: it changed meanwhile.
            BuildContextError: it cannot be read.
        """
        (entry,) = (entry for entry in self.entries if entry.path == self.dockerfile)
        return read_whole(entry)

    def archive(self, *, compress: bool = False) -> Iterator[bytes]:
        """Give the archive in pieces; times and permission bits are those on disk.

        Args:
            compress: whether to make a gzipped one.

        Raises:
            ContextChangedError: a file changed meanwhile.
            BuildContextError: a file cannot be read.
        """
        archive_type = ArchiveType.TAR_GZ if compress else ArchiveType.TAR
        return archive_stream(self.entries, archive_type, keep_mtimes=True, keep_modes=True)


def engine_context(build_context: BuildContext, dockerfile: str | None = None) -> EngineContext:
    """Make what is sent to the engine; the context given stays as it is.

    The tree is walked here, so that whatever is wrong with it is known before anything is sent.

    Args:
        build_context: the caller's context.
        dockerfile: the Dockerfile, relative to the context's root, or a path outside it;
            `Dockerfile` by default.

    Raises:
        BuildContextError: there is no such Dockerfile, or the context is otherwise at fault.
    """
    given = os.fspath(dockerfile) if dockerfile else DEFAULT_DOCKERFILE
    inside = _path_inside(build_context.root, given)
    context = build_context.for_dockerfile(given if inside is None else inside)
    entries = {entry.path: entry for entry in context.entries(rewrite_ignore_files=False)}
    found = entries.get(inside) if inside is not None else None
    ignore_file = entries.get(IGNORE_FILE)
    rules = _rules(ignore_file)
    if inside is not None and found is not None and found.type is EntryType.FILE:
        name = inside
        kept = [path for path in (inside, IGNORE_FILE) if _excludes(rules, path)]
        lines = [f"!{_escape(path)}" for path in kept]
    else:
        content = _read(build_context.root, given)
        if inside is not None and found is None and _excludes(rules, inside):
            name, lines = inside, []
        else:
            name = f".dockerfile.{hashlib.sha256(content).hexdigest()[:32]}"
            lines = [name]
        entries[name] = _file(name, content)
        if ignore_file is None:
            lines.append(IGNORE_FILE)
        elif _excludes(rules, IGNORE_FILE):
            lines.append(f"!{IGNORE_FILE}")
    if lines:
        entries[IGNORE_FILE] = _file(IGNORE_FILE, _with_lines(rules, lines), like=ignore_file)
    return EngineContext(tuple(entries.values()), name, given)


def _path_inside(root: str | None, dockerfile: str) -> str | None:
    """Give the Dockerfile's path in the context; `None` when it lies outside the root."""
    if root is None:
        return None if os.path.isabs(dockerfile) else posixpath.normpath(dockerfile)
    inside = _relative(os.path.abspath(root), os.path.join(os.path.abspath(root), dockerfile))
    if inside is None and os.path.isabs(dockerfile):
        inside = _relative(os.path.realpath(root), os.path.realpath(dockerfile))
    return inside


def _relative(root: str, path: str) -> str | None:
    relative = os.path.relpath(path, root)
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        return None
    return relative.replace(os.sep, "/")


def _read(root: str | None, dockerfile: str) -> bytes:
    """Read a Dockerfile that is no file of the context."""
    if root is None and not os.path.isabs(dockerfile):
        raise BuildContextError(
            f"There is no {dockerfile} in the build context, which has no root: add one with "
            f"add_file(content, {dockerfile!r}).",
            path=dockerfile,
        )
    path = Path(root or os.curdir, dockerfile)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BuildContextError(
            f"There is no Dockerfile at {path}.", path=str(path), remedy=Remedy.NAME_DOCKERFILE
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BuildContextError(
            f"The Dockerfile {path} cannot be read: {reason}.", path=str(path)
        ) from error


def _rules(ignore_file: Entry | None) -> bytes:
    """Give the content of the `.dockerignore` in the context; the engine follows a link."""
    if ignore_file is None:
        return b""
    if ignore_file.type is EntryType.FILE:
        return read_whole(ignore_file)
    if ignore_file.type is EntryType.DIRECTORY:
        raise IgnoreFileError(
            f"The build context has a folder named {IGNORE_FILE}, which the engine takes for its "
            "ignore file. Rename the folder, or leave it out with the ignore file.",
            path=IGNORE_FILE,
        )
    path = os.fsdecode(ignore_file.source)
    if not os.path.isfile(path):
        return b""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise IgnoreFileError(
            f"The ignore file {path} cannot be read: {error.strerror}.",
            path=path,
            remedy=Remedy.REPLACE_IGNORE_FILE,
        ) from error


def _excludes(content: bytes, path: str) -> bool:
    """Whether the engine would take a path away, given the `.dockerignore` in the archive."""
    try:
        rules = compile_rules(parse_lines(content))
        hits = 0
        excluded = False
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            verdict = rules.judge("/".join(parts[:depth]), hits)
            hits, excluded = verdict.hits, verdict.excluded
    except (IgnoreFileError, RuleError):
        return False  # the engine passes over rules that it cannot read
    return excluded


def _with_lines(content: bytes, lines: list[str]) -> bytes:
    separator = b"\n" if content and not content.endswith(b"\n") else b""
    return content + separator + "".join(f"{line}\n" for line in lines).encode()


def _escape(path: str) -> str:
    return _PATTERN_CHARACTERS.sub(r"\\\1", path)


def _file(path: str, content: bytes, *, like: Entry | None = None) -> Entry:
    entry = like
    if entry is None or entry.type is not EntryType.FILE:
        entry = Entry(path, EntryType.FILE)
    return entry._replace(size=len(content), source=content, inode=0, device=0)
