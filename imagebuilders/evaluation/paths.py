"""Paths in an image as BuildKit's frontend writes them, of Linux or Windows."""

from __future__ import annotations

from imagebuilders.evaluation.image_draft import WINDOWS
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import clean_path


def join(parent: str, path: str) -> str:
    """Return two paths joined and cleaned (Go's `path.Join`)."""
    parts = [part for part in (parent, path) if part]
    return clean_path("/".join(parts)) if parts else ""


def is_absolute(path: str, system: str) -> bool:
    """Return whether a path begins at the root."""
    try:
        return without_drive(path, system).startswith("/")
    except EvaluationError:
        return False


def normalize(parent: str, path: str, system: str, *, keep_slash: bool) -> str:
    """Return an absolute path with forward slashes; an absolute one is not cleaned on Linux.

    Args:
        parent: what a relative path begins at.
        path: as it is written.
        system: `linux`, `windows`, ….
        keep_slash: a slash or `/.` at the end of a relative path stays.

    Raises:
        EvaluationError: a Windows path without a place on drive C:.
    """
    path, parent = to_slashes(path, system), to_slashes(parent, system) or "/"
    parent = without_drive(parent, system, keep_slash=keep_slash)
    if not parent.startswith("/"):
        parent = join("/", parent)
    found = without_drive(path or parent, system, keep_slash=keep_slash)
    if not found.startswith("/"):
        found = join(parent, found)
    if keep_slash and path.endswith("/") and not found.endswith("/"):
        found += "/"
    elif keep_slash and path.endswith("/."):
        found += "." if found == "/" else "/."
    return found


def working_dir(current: str, path: str, system: str) -> str:
    """Return the folder that WORKDIR leads to, with the slashes of the system."""
    found = normalize(current, path, system, keep_slash=False)
    return found.replace("/", "\\") if system == WINDOWS else found


def to_slashes(path: str, system: str) -> str:
    """Return a path with forward slashes."""
    return path.replace("\\", "/") if system == WINDOWS else path


def without_drive(path: str, system: str, *, keep_slash: bool = False) -> str:
    """Return a path without its drive, which has to be C:.

    Raises:
        EvaluationError: it has another one, no place on it, or names a share.
    """
    if system != WINDOWS:
        return path
    if len(path) == 2 and path[1] == ":":
        raise EvaluationError(f'removing drive letter: No relative path specified in "{path}"')
    if to_slashes(path[:2], system) == "//":
        raise EvaluationError("removing drive letter: UNC paths are not supported")
    drive, colon, rest = path.partition(":")
    if not colon:
        rest = path
    elif drive.lower() != "c":
        raise EvaluationError(
            "removing drive letter: The specified path is not on the system drive (C:)"
        )
    rest = to_slashes(rest, system)
    cleaned = clean_path(rest)
    return f"{cleaned}/" if keep_slash and len(cleaned) > 1 and rest.endswith("/") else cleaned


def has_wildcards(path: str) -> bool:
    """Return whether a source is a pattern; a backslash takes the meaning of what follows away."""
    escaped = False
    for char in path:
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in "*?[":
            return True
    return False
