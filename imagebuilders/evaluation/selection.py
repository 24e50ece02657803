"""What the sources of COPY and ADD name: wildcards, and what has to be there.

BuildKit looks at the sources twice: when it computes the key of a step for its cache, which finds
most of what is missing, and when it copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagebuilders.context.rules import IgnoreRules
from imagebuilders.evaluation.copying import EXCLUDES, compile_patterns
from imagebuilders.evaluation.daemon import BUILDKITD, Daemon
from imagebuilders.evaluation.paths import has_wildcards
from imagebuilders.evaluation.paths_in_trees import resolve_source
from imagebuilders.evaluation.steps import Copy, PathSource
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import GlobSyntaxError, clean_path, match_glob, quote
from imagebuilders.oci.file_tree import File, UnresolvedPathError, follow_links


def split_wildcards(path: str) -> tuple[str, str]:
    """Return the folders of a path before the first wildcard, and the rest."""
    parts = clean_path("/" + path).strip("/").split("/")
    for index, part in enumerate(parts):
        if has_wildcards(part):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return "/".join(parts), ""


def uncovered(sources: Sequence[PathSource]) -> list[PathSource]:
    """Return the sources of a step that are checked: not those in a folder that is one as well."""
    folders = {
        source.path.rstrip("/") + "/" for source in sources if not has_wildcards(source.path)
    }
    return [source for source in sources if not _is_covered(source.path, folders)]


def _is_covered(path: str, folders: Iterable[str]) -> bool:
    if has_wildcards(path):
        return False
    own = path.rstrip("/") + "/"
    return any(path.startswith(folder) for folder in folders if folder != own)


def matching(source: Folder, path: str, daemon: Daemon = BUILDKITD) -> list[str]:
    """Return the paths that a source names, in order.

    Of a folder that matches nothing else is named.

    Args:
        source: the tree.
        path: the source.
        daemon: whose words count.

    Raises:
        EvaluationError: the folders before the wildcards are not there, or links do not end.
    """
    folders, pattern = split_wildcards(path)
    if not pattern:
        return [folders]
    resolved = resolve_source(source, folders)
    start = source.find(resolved)
    if start is None:
        raise EvaluationError(f"lstat {daemon.root()}/{resolved}: no such file or directory")
    prefix = f"{resolved}/" if resolved else ""
    if not isinstance(start, Folder):
        return []
    return [prefix + name for name in _matches(start, pattern, "")]


def _matches(folder: Folder, pattern: str, prefix: str) -> Iterator[str]:
    for name in folder.sorted_names():
        path = prefix + name
        if _match(pattern, path):
            yield path
        else:
            entry = folder.names[name]
            if isinstance(entry, Folder):
                yield from _matches(entry, pattern, path + "/")


def _match(pattern: str, path: str) -> bool:
    try:
        return match_glob(pattern, path)
    except GlobSyntaxError:
        return False


def check_source(
    source: Folder,
    path: str,
    daemon: Daemon,
    *,
    include: str | None = None,
    required: str = "",
    excludes: Sequence[str] = (),
) -> None:
    """Check what BuildKit checks when it computes the key of a step.

    Args:
        source: the tree that is copied from.
        path: the source.
        daemon: whose words count.
        include: the pattern of `--parents`; `None` without that.
        required: with `--parents` the path that has to be there.
        excludes: the patterns of `--exclude`.

    Raises:
        EvaluationError: something is missing or malformed.
    """
    try:
        _check(source, clean_path("/" + path)[1:], include, required, excludes)
    except _ChecksumError as error:
        form = daemon.broken
        problem = str(error)
        if isinstance(error, _MissingError):
            form = daemon.missing
            if daemon.names_targets:
                problem = quote(f"/{error.target}")
        elif isinstance(error, _LoopError) and daemon.names_targets:
            problem = f"too many symlinks: {error.path}"
        told = form.format(ref=daemon.ref, problem=problem)
        raise EvaluationError(f"failed to compute cache key: {told}") from error


def check_sources(step: Copy, origin: Folder, daemon: Daemon) -> None:
    """Check that the sources of a step are there.

    Raises:
        EvaluationError: something is missing or malformed.
    """
    sources = [source for source in step.sources if isinstance(source, PathSource)]
    checks_all = bool(step.excludes) or step.parents or daemon.checks_covered
    for source in sources if checks_all else uncovered(sources):
        check_source(
            origin,
            source.path,
            daemon,
            include=source.include if step.parents else None,
            required=source.required,
            excludes=step.excludes,
        )


class _ChecksumError(Exception):
    pass


class _MissingError(_ChecksumError):
    """Nothing is at a path.

    Args:
        path: as it is written.
        target: where its links lead to.
    """

    def __init__(self, path: str, target: str) -> None:
        super().__init__(quote(path))
        self.target = target


class _LoopError(_ChecksumError):
    """The links of a path do not end."""

    def __init__(self, path: str) -> None:
        super().__init__("too many links")
        self.path = path


def _check(
    source: Folder, path: str, include: str | None, required: str, excludes: Sequence[str]
) -> None:
    if include is not None:
        if required:
            _check_required(source, path, include, required, excludes)
        for link in _included_links(source, path, include, excludes):
            _check_path(source, link)
    elif has_wildcards(path) or excludes:
        for link in _links_among(source, path, _rules(excludes, EXCLUDES)):
            _check_path(source, link)
    else:
        _check_path(source, path)


def _check_path(source: Folder, path: str) -> None:
    """Check that a path leads to something."""
    if _find(source, path) is None:
        target = follow_links(path, source.find_file)
        raise _MissingError(f"/{path}", target)


def _links_among(source: Folder, path: str, excludes: IgnoreRules) -> Iterator[str]:
    """Yield the links that a source names, whose targets have to be there.

    These are what a pattern matches, the source itself, and of the root what stands in it; not
    what stands in other folders. Patterns of `--exclude` see what is named as "".
    """
    named = _named(source, path) if has_wildcards(path) else _in_plain(source, path)
    for name, entry in named:
        seen = "" if path else name
        if _is_link(entry) and not excludes.judge(seen).excluded:
            yield name


def _in_plain(source: Folder, path: str) -> Iterator[tuple[str, File | Folder]]:
    """Yield what is at a path without wildcards; of the root what is in it."""
    if not path:
        for name in source.sorted_names():
            yield name, source.names[name]
        return
    above, _, last = path.rpartition("/")
    folder = _find(source, above)
    if isinstance(folder, Folder) and last in folder.names:
        yield path, folder.names[last]


def _is_link(entry: File | Folder) -> bool:
    return isinstance(entry, File) and entry.kind == "symlink"


def _named(source: Folder, pattern: str) -> Iterator[tuple[str, File | Folder]]:
    """Yield what a pattern matches, except in folders that it matches."""
    above = split_wildcards(pattern)[0]
    start = _find(source, above)
    found = ""
    for name, entry in (
        start.walk(f"{above}/" if above else "") if isinstance(start, Folder) else ()
    ):
        if not (found and name.startswith(f"{found}/")) and _matches_source(pattern, name):
            found = name
            yield name, entry


def _rules(patterns: Sequence[str], what: str) -> IgnoreRules:
    try:
        return compile_patterns(patterns, what)
    except EvaluationError as error:
        raise _ChecksumError(error.message) from error


def _matches_source(pattern: str, name: str) -> bool:
    try:
        return match_glob(f"/{pattern}", f"/{name}")
    except GlobSyntaxError as error:
        raise _ChecksumError("syntax error in pattern") from error


def _check_required(
    source: Folder, path: str, include: str, required: str, excludes: Sequence[str]
) -> None:
    """Check that something is copied of a path that has to be there."""
    start = _find(source, path, follow_last=False)
    wanted = clean_path("/" + required)
    if isinstance(start, Folder) and wanted != "/":
        rules = (_rules((include,), "includepatterns"), _rules(excludes, EXCLUDES))
        prefix = f"/{path}/" if path else "/"
        for name in _included(start, rules, "", (0, 0)):
            if (prefix + name).startswith(wanted):
                return
    raise _MissingError(wanted, wanted.lstrip("/"))


def _included(
    folder: Folder, rules: tuple[IgnoreRules, IgnoreRules], prefix: str, hits: tuple[int, int]
) -> Iterator[str]:
    """Yield the paths that are copied; not the folders above them."""
    for name in folder.sorted_names():
        include = rules[0].judge(prefix + name, hits[0])
        exclude = rules[1].judge(prefix + name, hits[1])
        if include.excluded and not exclude.excluded:
            yield prefix + name
        entry = folder.names[name]
        if isinstance(entry, Folder):
            yield from _included(entry, rules, f"{prefix}{name}/", (include.hits, exclude.hits))


def _included_links(
    source: Folder, path: str, include: str, excludes: Sequence[str]
) -> Iterator[str]:
    """Yield the links in the root that are copied with `--parents`; of others nothing is asked."""
    if path:
        return
    wanted, unwanted = _rules((include,), "includepatterns"), _rules(excludes, EXCLUDES)
    for name in source.sorted_names():
        is_copied = wanted.judge(name).excluded and not unwanted.judge(name).excluded
        if is_copied and _is_link(source.names[name]):
            yield name


def _find(source: Folder, path: str, *, follow_last: bool = True) -> File | Folder | None:
    """Return what a path leads to, as the computing of the key follows links."""
    try:
        return source.find(follow_links(path, source.find_file, follow_last=follow_last))
    except UnresolvedPathError as error:
        raise _LoopError(f"/{path}") from error
