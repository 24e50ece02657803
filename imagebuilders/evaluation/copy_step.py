"""COPY and ADD: a step's sources one after the other, copied or unpacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from imagebuilders.evaluation.accounts import MAX_FILE_BYTES, Owner
from imagebuilders.evaluation.copying import EXCLUDES, CopyOptions, compile_patterns, copy
from imagebuilders.evaluation.daemon import BUILDKITD, Daemon
from imagebuilders.evaluation.file_system import FileSystem, NotAFolderError
from imagebuilders.evaluation.paths_in_trees import resolve_source
from imagebuilders.evaluation.selection import matching
from imagebuilders.evaluation.steps import Copy, PathSource, Source, UrlSource
from imagebuilders.evaluation.symbolic_mode import SymbolicMode
from imagebuilders.evaluation.trees import Folder
from imagebuilders.evaluation.unpacking import is_archive, unpack
from imagebuilders.exceptions import EvaluationError
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.file_tree import File


@dataclass(frozen=True)
class Located:
    """A source and the tree it is in.

    Attributes:
        source: the source.
        tree: the tree.
        path: the source's path in it.
    """

    source: Source
    tree: Folder
    path: str


def copy_sources(
    step: Copy, sources: list[Located], files: FileSystem, *, has_tree: bool, daemon: Daemon
) -> None:
    """Copy what a step names.

    Args:
        step: the step.
        sources: its sources, in order.
        files: what is written into.
        has_tree: whether there is a tree in which accounts can be looked up.
        daemon: whose ways and words count.

    Raises:
        EvaluationError: something cannot be copied.
        ImageBuilderError: a source cannot be read.
    """
    owner = resolve_owner(step.chown, files, daemon, has_tree=has_tree)
    is_octal = step.chmod.isdigit()
    bits = 0o7777 if daemon.keeps_special_bits else 0o777
    options = CopyOptions(
        owner=owner,
        mode=int(step.chmod, 8) & bits if is_octal else None,
        symbolic_mode=SymbolicMode.parse(step.chmod) if step.chmod and not is_octal else None,
        exclude=compile_patterns(step.excludes, EXCLUDES) if step.excludes else None,
    )
    for located in sources:
        _copy_source(step, located, files, options, daemon)


def resolve_owner(
    written: str, files: FileSystem, daemon: Daemon = BUILDKITD, *, has_tree: bool
) -> tuple[int, int] | None:
    """Return the numbers of a user and group; `None` if nothing is written.

    Args:
        written: as `--chown` and USER have it.
        files: where names are looked up.
        daemon: whose ways and words count.
        has_tree: whether anything was ever written there.

    Raises:
        EvaluationError: there is nowhere to look names up.
    """
    if not written:
        return None
    return Owner.parse(written).resolve(_account_reader(files, daemon) if has_tree else None)


def _account_reader(files: FileSystem, daemon: Daemon) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        try:
            found = files.place(files.resolve(path)).entry()
        except NotAFolderError:
            return None
        if found is None and daemon.needs_accounts:
            raise EvaluationError(f"open {daemon.mount}/{path}: no such file or directory")
        if found is None:
            return None
        if not isinstance(found, File) or found.kind != "file":
            raise EvaluationError(f"/{path} is not a regular file")
        if found.size > MAX_FILE_BYTES:
            raise EvaluationError(f'"/{path}" exceeds {MAX_FILE_BYTES} bytes')
        return b"".join(found.pieces())

    return read


def _copy_source(
    step: Copy, located: Located, files: FileSystem, options: CopyOptions, daemon: Daemon
) -> None:
    source = located.source
    if isinstance(source, PathSource):
        if step.parents:
            rules = compile_patterns((source.include,), "includepatterns")
            options = replace(options, include=rules)
        paths = matching(located.tree, located.path, daemon)
    else:
        options = replace(options, contents=False, follow=False)
        paths = [located.path]
    is_unpacked = isinstance(source, (PathSource, UrlSource)) and source.unpack
    for path in paths:
        archive = _archive(located.tree, path) if is_unpacked else None
        if archive is not None:
            unpack(archive, files, step.destination, options.owner, daemon)
        else:
            copy(located.tree, path, files, step.destination, options, daemon)


def _archive(tree: Folder, path: str) -> File | None:
    """Return the archive at a path; `None` if something else is there."""
    found = tree.find(resolve_source(tree, path))
    return found if isinstance(found, File) and is_archive(found) else None
