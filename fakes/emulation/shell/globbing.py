"""Pathname expansion (POSIX.1-2017, 2.6.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .patterns import Piece, compile_pattern, has_magic, plain

if TYPE_CHECKING:
    from ..process import Process


def expand_path(
    process: Process,
    pieces: Sequence[Piece],
    *,
    hidden: bool = False,
    extended: bool = False,
    has_dots: bool = True,
    deep: bool = False,
) -> list[str]:
    """Return the paths that a pattern matches, sorted by bytes; none where none does.

    Args:
        process: whose files they are.
        pieces: the pattern.
        hidden: whether names with a dot at their beginning count without one in the pattern.
        extended: whether bash's extended patterns are known.
        has_dots: whether `.*` matches `.` and `..`.
        deep: whether `**` stands for any folders within each other.
    """
    parts = _split(pieces)
    prefixes = [""]
    if parts and not plain(parts[0]) and len(parts) > 1:
        prefixes, parts = ["/"], parts[1:]
    for position, part in enumerate(parts):
        is_last = position == len(parts) - 1
        found: list[str] = []
        if deep and plain(part) == "**" and has_magic(part):
            for prefix in prefixes:
                found += _below(process, prefix, hidden=hidden, with_files=is_last)
            # A folder's own name, and each of those below as the beginning of what follows.
            prefixes = [one for one in found if one] if is_last else found
            if not prefixes:
                return []
            continue
        for prefix in prefixes:
            found += _matching(
                process,
                prefix,
                part,
                is_last=is_last,
                hidden=hidden,
                extended=extended,
                has_dots=has_dots,
            )
        prefixes = found if is_last else [f"{one}/" if one and one != "/" else one for one in found]
        prefixes = [one for one in prefixes if one]
        if not prefixes:
            return []
    return sorted(prefixes)


def _below(process: Process, prefix: str, *, hidden: bool, with_files: bool) -> list[str]:
    """Return a prefix, and those of all folders below it; with files, the paths without slash."""
    files = process.system.files
    found = [prefix]
    try:
        names = files.names(process, prefix or ".")
    except OSError:
        return found
    for name in names:
        path = prefix + name
        if name.startswith(".") and not hidden:
            continue
        if files.kind(process, path, follow=False) == "dir":
            deeper = _below(process, f"{path}/", hidden=hidden, with_files=with_files)
            found += [path, *deeper[1:]] if with_files else deeper
        elif with_files:
            found.append(path)
    return found


def _matching(
    process: Process,
    prefix: str,
    part: list[Piece],
    *,
    is_last: bool,
    hidden: bool,
    extended: bool,
    has_dots: bool,
) -> list[str]:
    files = process.system.files
    name = plain(part)
    if not name:  # two slashes, or one at the end
        return [prefix] if not prefix or files.kind(process, prefix) == "dir" else []
    if not has_magic(part) and not extended:
        path = prefix + name
        if files.exists(process, path, follow=False):
            return [path]
        return []
    try:
        names = files.names(process, prefix or ".")
    except OSError:
        return []
    pattern = compile_pattern(part, extended=extended)
    starts_with_dot = name.startswith(".")
    candidates = [*names]
    if starts_with_dot and has_dots:
        candidates = [".", "..", *candidates]
    return [
        prefix + one
        for one in candidates
        if pattern.match(one)
        and (starts_with_dot or hidden or not one.startswith("."))
        and (is_last or files.kind(process, prefix + one) == "dir")
    ]


def _split(pieces: Sequence[Piece]) -> list[list[Piece]]:
    parts: list[list[Piece]] = [[]]
    for text, quoted in pieces:
        first, *rest = text.split("/")
        if first:
            parts[-1].append((first, quoted))
        parts += [[(one, quoted)] if one else [] for one in rest]
    return parts
