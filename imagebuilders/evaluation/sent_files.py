"""What a client sends of its context: the files that the steps of a build name, and no others.

A daemon asks for the paths of all COPY and ADD. Links on the way are followed by the client, but
not what links below a folder lead to, so that these may lead nowhere at the daemon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagebuilders.context.followed_paths import TooManyStepsError, followed_patterns
from imagebuilders.context.rules import IgnoreRules
from imagebuilders.evaluation.copying import compile_patterns
from imagebuilders.evaluation.steps import ContextOrigin, Copy, PathSource, Step
from imagebuilders.evaluation.trees import Folder
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import GlobSyntaxError, check_glob, clean_path
from imagebuilders.oci.file_tree import File


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
    return () if "" in paths else tuple(sorted(paths))


def sent_files(context: Folder, paths: tuple[str, ...]) -> Folder:
    """Return the part of a context that a client sends.

    Args:
        context: all of it.
        paths: what it is asked for; empty for all.

    Raises:
        EvaluationError: a path is a malformed pattern, or they lead through too many links.
    """

    def links(path: str) -> Iterator[tuple[str, str]]:
        folder = context.find(path)
        for name, entry in folder.names.items() if isinstance(folder, Folder) else ():
            if isinstance(entry, File) and entry.kind == "symlink":
                yield name, entry.link

    try:
        followed = followed_patterns(links, paths) if paths else None
    except TooManyStepsError as error:
        raise EvaluationError(str(error)) from error
    if followed is None:
        return context
    patterns = _without_covered(followed)
    _check(patterns)
    return _hit_by(compile_patterns(patterns, "includepatterns"), context, "", 0)


def _without_covered(paths: Iterable[str]) -> list[str]:
    """Return sorted paths without those in another one."""
    found: list[str] = []
    for path in paths:
        if not (found and path.startswith(f"{found[-1]}/")):
            found.append(path)
    return found


def _check(patterns: Sequence[str]) -> None:
    """Check what a client checks.

    Raises:
        EvaluationError: a pattern is malformed.
    """
    try:
        for pattern in patterns:
            check_glob(pattern)
    except GlobSyntaxError as error:
        raise EvaluationError(
            "rpc error: code = Unknown desc = invalid includepatterns: "
            f"[{' '.join(patterns)}]: syntax error in pattern"
        ) from error


def _hit_by(rules: IgnoreRules, folder: Folder, prefix: str, hits: int) -> Folder:
    """Return a folder with what rules hit in it, and the folders above that."""
    names: dict[str, File | Folder] = {}
    for name, entry in folder.names.items():
        path = prefix + name
        verdict = rules.judge(path, hits)
        if not isinstance(entry, Folder) or (verdict.excluded and not rules.has_negations):
            if verdict.excluded:
                names[name] = entry
            continue
        inside = _hit_by(rules, entry, f"{path}/", verdict.hits)
        if inside.names or verdict.excluded:
            names[name] = inside
    return Folder(folder.file, names)
