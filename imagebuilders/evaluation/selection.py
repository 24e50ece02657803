"""What the sources of COPY and ADD name: wildcards, and what has to be there.

BuildKit looks at the sources twice: when it computes the key of a step for its cache, which finds
most of what is missing, and when it copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagebuilders.context.rules import IgnoreRules
from imagebuilders.evaluation.copying import compile_patterns
from imagebuilders.evaluation.paths import has_wildcards
from imagebuilders.evaluation.paths_in_trees import resolve_source
from imagebuilders.evaluation.steps import ContextOrigin, Copy, PathSource, Step
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import GlobSyntaxError, check_glob, clean_path, match_glob, quote
from imagebuilders.oci.file_tree import File, UnresolvedPathError, follow_links


def split_wildcards(path: str) -> tuple[str, str]:
    """Return the folders of a path before the first wildcard, and the rest."""
    parts = clean_path("/" + path).strip("/").split("/")
    for index, part in enumerate(parts):
        if has_wildcards(part):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return "/".join(parts), ""


def sent_paths(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return what a client is asked to send of the main context; empty for all of it.

    Args:
        steps: the steps of all stages that are needed.
    """
    paths: set[str] = set()
    for step in steps:
        if isinstance(step, Copy) and step.origin == ContextOrigin():
            for source in step.sources:
                if isinstance(source, PathSource):
                    paths.add(clean_path(f"/{source.path}/{source.include}")[1:])
    if "" in paths:
        return ()
    return tuple(
        path for path in sorted(paths) if not any(path.startswith(f"{above}/") for above in paths)
    )


def check_sent_paths(paths: Iterable[str]) -> None:
    """Check what a client checks that is asked to send a part of its context.

    Raises:
        EvaluationError: a pattern is malformed.
    """
    try:
        for path in paths:
            check_glob(path)
    except GlobSyntaxError as error:
        raise EvaluationError(
            "rpc error: code = Unknown desc = invalid includepatterns: "
            f"[{' '.join(paths)}]: syntax error in pattern"
        ) from error


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


def matching(source: Folder, path: str, sent: Sequence[str] = ()) -> list[str]:
    """Return the paths that a source names, in order.

    Of a folder that matches nothing else is named.

    Args:
        source: the tree.
        path: the source.
        sent: what was sent of the tree, see `sent_paths`; empty for all of it.

    Raises:
        EvaluationError: the folders before the wildcards are not there, or links do not end.
    """
    folders, pattern = split_wildcards(path)
    if not pattern:
        return [folders]
    resolved = resolve_source(source, folders)
    start = source.find(resolved)
    if start is None:
        raise EvaluationError(f"lstat /{resolved}: no such file or directory")
    prefix = f"{resolved}/" if resolved else ""
    found = []
    if isinstance(start, Folder):
        found = [prefix + name for name in _matches(start, pattern, "")]
    if not found and resolved and sent and not _is_sent(source, resolved, sent):
        raise EvaluationError(f"lstat /{resolved}: no such file or directory")
    return found


def _is_sent(source: Folder, path: str, sent: Sequence[str]) -> bool:
    """Whether a client that was asked for some paths sends this one, or something in it."""
    rules = compile_patterns([*sent, *(_end(source, asked) for asked in sent)])
    entry = source.find(path)
    below = entry.walk(f"{path}/") if isinstance(entry, Folder) else ()
    return rules.excludes(path) or any(rules.excludes(name) for name, _ in below)


def _end(source: Folder, path: str) -> str:
    """Return where a path leads; the path itself if that cannot be said."""
    try:
        return path if has_wildcards(path) else follow_links(path, source.find_file)
    except UnresolvedPathError:
        return path


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
    ref: str,
    *,
    include: str | None = None,
    required: str = "",
    excludes: Sequence[str] = (),
) -> None:
    """Check what BuildKit checks when it computes the key of a step.

    Args:
        source: the tree that is copied from.
        path: the source.
        ref: what the tree is called in errors.
        include: the pattern of `--parents`; `None` without that.
        required: with `--parents` the path that has to be there.
        excludes: the patterns of `--exclude`.

    Raises:
        EvaluationError: something is missing or malformed.
    """
    try:
        _check(source, clean_path("/" + path)[1:], include, required, excludes)
    except _ChecksumError as error:
        raise EvaluationError(
            f"failed to compute cache key: failed to calculate checksum of ref {ref}: {error}"
        ) from error


class _ChecksumError(Exception):
    pass


def _check(
    source: Folder, path: str, include: str | None, required: str, excludes: Sequence[str]
) -> None:
    if include is not None:
        if required:
            _check_required(source, path, include, required, excludes)
    elif has_wildcards(path):
        _check_wildcard(source, path)
    elif excludes:
        _check_end(source, path)
    else:
        _check_path(source, path)


def _check_path(source: Folder, path: str) -> None:
    """Check that a path leads to something."""
    if _find(source, path) is None:
        raise _ChecksumError(f"{quote('/' + path)}: not found")


def _check_end(source: Folder, path: str) -> None:
    """Check that a path does not end in a link that leads nowhere."""
    above, _, name = path.rpartition("/")
    folder = _find(source, above)
    entry = folder.names.get(name) if isinstance(folder, Folder) else None
    if isinstance(entry, File) and entry.kind == "symlink":
        _check_path(source, path)


def _check_wildcard(source: Folder, path: str) -> None:
    """Check that a pattern is sound, and no link that it names leads nowhere."""
    folders, _ = split_wildcards(path)
    start = _find(source, folders)
    if not isinstance(start, Folder):
        return
    prefix = f"/{folders}/" if folders else "/"
    found = ""
    for name, entry in start.walk(prefix):
        if found and name.startswith(found):
            continue
        try:
            is_match = match_glob("/" + path, name)
        except GlobSyntaxError as error:
            raise _ChecksumError("syntax error in pattern") from error
        if is_match:
            found = name + "/"
            if isinstance(entry, File) and entry.kind == "symlink":
                _check_path(source, name[1:])


def _check_required(
    source: Folder, path: str, include: str, required: str, excludes: Sequence[str]
) -> None:
    """Check that something is copied of a path that has to be there."""
    start = _find(source, path)
    wanted = clean_path("/" + required)
    if isinstance(start, Folder) and wanted != "/":
        rules = (compile_patterns((include,)), compile_patterns(tuple(excludes)))
        prefix = f"/{path}/" if path else "/"
        for name in _included(start, rules, "", (0, 0)):
            if (prefix + name).startswith(wanted):
                return
    raise _ChecksumError(f"{quote(wanted)}: not found")


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


def _find(source: Folder, path: str) -> File | Folder | None:
    """Return what a path leads to, as the computing of the key follows links."""
    try:
        return source.find(follow_links(path, source.find_file))
    except UnresolvedPathError as error:
        raise _ChecksumError("too many links") from error
