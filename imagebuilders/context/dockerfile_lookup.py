"""Which file is the Dockerfile of a build, and what is in it."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from dataclasses import field

from imagebuilders.context.content import read_whole
from imagebuilders.context.entries import Entry, EntryType, show_path
from imagebuilders.control_files import MAX_SIZE, read_control_file
from imagebuilders.exceptions import (
    BuildContextError,
    ControlFileError,
    ControlFileNotFoundError,
    Remedy,
)
from imagebuilders.lazy_dataclass import dataclass

DEFAULT_DOCKERFILE = "Dockerfile"


@dataclass(frozen=True)
class FoundDockerfile:
    """The Dockerfile of a build, as it was read.

    Attributes:
        name: what it is called: relative to the root, or a path outside it.
        path: its path in the context, whether it is kept there or not; `None` when it lies
            outside the root.
        content: all of its bytes.
        mtime_ns: when it last changed, in nanoseconds since 1970; `None` when that is not known.
        mode: its permission bits.
    """

    name: str
    path: str | None
    content: bytes = field(repr=False)
    mtime_ns: int | None = None
    mode: int = 0o644


def dockerfile_name(root: str | None, name: str, is_added: Callable[[str], bool]) -> str:
    """Return the name of the Dockerfile that is meant by `name`.

    It is `name`, or the same in a folder that has a `dockerfile` and no `Dockerfile`: so does
    `docker build` (https://github.com/docker/buildx/blob/v0.17.0/build/opt.go).

    Args:
        root: the context's folder.
        name: the Dockerfile, relative to the root, or a path outside it.
        is_added: says whether a path of the context was added by hand.
    """
    folder, base = os.path.split(name)
    if base != DEFAULT_DOCKERFILE or _is_there(root, name, is_added):
        return name
    lower = os.path.join(folder, DEFAULT_DOCKERFILE.lower())
    return lower if _is_there(root, lower, is_added) else name


def path_inside(root: str | None, name: str) -> str | None:
    """Return a file's path in the context; `None` when it lies outside the root, or nowhere.

    Args:
        root: the context's folder.
        name: the file, relative to the root, or absolute.
    """
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return None
    if root is None:
        path = posixpath.normpath(name)
        return None if os.path.isabs(name) or path.startswith("../") else path
    inside = _relative(os.path.abspath(root), os.path.join(os.path.abspath(root), name))
    if inside is None and os.path.isabs(name):
        inside = _relative(os.path.realpath(root), os.path.realpath(name))
    return inside


def read_dockerfile(root: str | None, name: str, entry: Entry | None) -> FoundDockerfile:
    """Read a Dockerfile.

    Args:
        root: the context's folder.
        name: the Dockerfile, relative to the root, or a path outside it.
        entry: what is at its path in the context.

    Raises:
        BuildContextError: there is no such file, or it cannot be read.
        ContextChangedError: it changed since the entry was made.
    """
    inside = path_inside(root, name)
    if entry is not None and entry.type is EntryType.FILE:
        if entry.size > MAX_SIZE:
            reason = f"it has more than {MAX_SIZE} bytes, the limit for such a file"
            raise _unreadable(show_path(name), reason)
        return FoundDockerfile(name, inside, read_whole(entry), entry.mtime_ns, entry.mode)
    if root is None and not os.path.isabs(name):
        raise BuildContextError(
            f"There is no {show_path(name)} in the build context, which has no root: add one with "
            f"add_file(content, {name!r}).",
            path=name,
        )
    path = os.path.join(root or os.curdir, name)
    try:
        file = read_control_file(path)
    except ControlFileNotFoundError as error:
        raise BuildContextError(
            f"There is no Dockerfile at {show_path(path)}.",
            path=path,
            remedy=Remedy.NAME_DOCKERFILE,
        ) from error
    except ControlFileError as error:
        raise _unreadable(path, error.reason) from error
    status = file.status
    return FoundDockerfile(name, inside, file.content, status.st_mtime_ns, status.st_mode & 0o7777)


def _is_there(root: str | None, name: str, is_added: Callable[[str], bool]) -> bool:
    inside = path_inside(root, name)
    if inside is not None and is_added(inside):
        return True
    return (root is not None or os.path.isabs(name)) and os.path.lexists(
        os.path.join(root or "", name)
    )


def _relative(root: str, path: str) -> str | None:
    relative = os.path.relpath(path, root)
    if relative == os.pardir or relative.startswith(os.pardir + os.sep):
        return None
    return relative.replace(os.sep, "/")


def _unreadable(path: str, reason: str) -> BuildContextError:
    return BuildContextError(
        f"The Dockerfile {show_path(path)} cannot be read: {reason}.", path=path
    )
