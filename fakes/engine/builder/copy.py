"""COPY and ADD: which files, where to, with which owners and times."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from imagebuilders.evaluation.paths import has_wildcards
from imagebuilders.exceptions import UnpackError
from imagebuilders.go_text import GlobSyntaxError, match_glob
from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    children,
    clean,
    is_directory,
    parent,
    resolve,
    walk_key,
)
from imagebuilders.oci.owners import settled_owner
from imagebuilders.oci.unpacking import Unpacker

from ...images import tar
from .. import messages
from ..errors import StepError
from ..filesystem.overlay import Overlay, Owner
from ..images.unpacking import rules, told, unpack
from .context import ImageSource, SentContext, Source, joined_sum, walk

_SET_UID, _SET_GID, _GROUP_EXECUTE = 0o4000, 0o2000, 0o010
_CAPABILITY = "security.capability"


@dataclass(frozen=True)
class Pick:
    """One source of a COPY: its path and the sum the cache compares."""

    path: str
    sum: str


def select(sources: list[str], source: Source, keyword: str) -> list[Pick]:
    """The files that the sources of an instruction name.

    Raises:
        StepError: when one is missing.
    """
    picks: list[Pick] = []
    for path in sources:
        path = path.removeprefix("/").removeprefix("./")
        if posixpath.normpath(path).split("/")[0] == "..":
            raise StepError(
                f"{keyword} failed: forbidden path outside the build context: {path} ()"
            )
        try:
            if not has_wildcards(path):
                picks.append(_pick(source, path))
                continue
            pattern = path
            for name in sorted(_all_paths(source.tree), key=walk_key):
                if _matches(pattern, name):
                    path = name
                    picks.append(_pick(source, name))
        except FileNotFoundError as error:
            detail = f"stat {error.args[0]}: file does not exist"
            if isinstance(source, SentContext):
                detail = f"file not found in build context or excluded by .dockerignore: {detail}"
            raise StepError(f"{keyword} failed: {detail}") from error
        except UnresolvedPathError as error:
            raise StepError(
                f"{keyword} failed: forbidden path outside the build context: {path} ()"
            ) from error
    if not picks:
        raise StepError(f"{keyword} failed: no source files were specified")
    return picks


def _all_paths(tree: Mapping[str, File]) -> list[str]:
    return [path for path in tree if path]


def _matches(pattern: str, name: str) -> bool:
    """Whether a whole path matches; a malformed pattern matches nothing."""
    try:
        return match_glob(pattern, name)
    except GlobSyntaxError:
        return False


def _pick(source: Source, path: str) -> Pick:
    real = resolve(source.tree, path)
    file = source.tree.get(real)
    if file is None and real:
        raise FileNotFoundError(path)
    if file is not None and file.kind != "dir":
        return Pick(path, f"file:{source.sum_of(path)}")
    sums: list[str] = []
    for name in walk(source.tree, real):
        # A link that leads round in circles has no sum and counts for nothing.
        with suppress(UnresolvedPathError):
            sums.append(source.sum_of(name))
    return Pick(path, joined_sum("dir", sorted(sums)))


def combined_sum(picks: list[Pick]) -> str:
    """The one sum that stands in the step's history line."""
    if len(picks) == 1:
        return picks[0].sum
    return joined_sum("multi", [pick.sum for pick in picks])


def destination(working_dir: str, requested: str) -> str:
    """The absolute destination, a trailing slash kept."""
    if requested.startswith("/"):
        return requested
    joined = posixpath.normpath("/" + working_dir.lstrip("/") + "/" + requested)
    joined = "/" + joined.lstrip("/")
    if requested.endswith("/") and not joined.endswith("/"):
        joined += "/"
    return joined


def copy_pick(
    overlay: Overlay,
    source: Source,
    pick: Pick,
    target: str,
    *,
    owner: Owner | None,
    extract: bool,
) -> None:
    """Copy one source to a destination in the engine's manner.

    Args:
        overlay: the tree that is written.
        source: where the files come from.
        pick: the source.
        target: the absolute destination; a trailing slash means a directory.
        owner: who owns what is copied; `None` keeps the owners.
        extract: unpack a tar archive instead of copying it.

    Raises:
        StepError: when the destination cannot take it.
    """
    real = resolve(source.tree, pick.path)
    file = source.tree.get(real)
    try:
        where = overlay.locate(target)
    except StepError as error:
        raise StepError(f"failed to copy files: {error.message}") from error
    _check_parents(overlay, where, target)
    if file is None or file.kind == "dir":
        _copy_directory(overlay, source, real, where, owner)
        return
    if extract and tar.is_archive(file.data):
        _extract(overlay, file.data, where)
        return
    if target.endswith("/") or is_directory(overlay.tree, where):
        where = f"{where}/{posixpath.basename(pick.path)}".lstrip("/")
    try:
        overlay.make_directories(parent(where), owner)
    except StepError as error:
        raise StepError(
            f"failed to copy files: failed to create new directory: {error.message}"
        ) from error
    # Reading a single file takes none of its extended attributes along.
    overlay.put(where, _owned(file, owner)._replace(inode=0, xattrs=()))


def _check_parents(overlay: Overlay, where: str, target: str) -> None:
    """Looking at a path below a file fails before anything is written."""
    for above in ancestors(where):
        existing = overlay.tree.get(above)
        if existing is not None and existing.kind != "dir":
            raise StepError(
                f"failed to copy files: lstat {overlay.root}/{clean(target)}: not a directory"
            )


def _copy_directory(
    overlay: Overlay, source: Source, real: str, where: str, owner: Owner | None
) -> None:
    existed = not where or (where in overlay.tree and overlay.tree[where].kind == "dir")
    try:
        overlay.make_directories(where)
    except StepError as error:
        raise StepError(
            f"failed to copy files: failed to copy directory: {error.message}"
        ) from error
    # The engine makes a folder of its own in there and removes it again.
    overlay.touch_directory(where)
    inodes: dict[int, int] = {}
    for path in children(source.tree, real):
        file = source.tree[path]
        below = path[len(real) :].lstrip("/") if real else path
        target = f"{where}/{below}".lstrip("/")
        if file.inode:
            file = file._replace(inode=inodes.setdefault(file.inode, id(overlay) + len(inodes)))
        overlay.put(target, _owned(file._replace(xattrs=_capabilities(file)), owner))
    # The directories' own times are set after everything in them was written.
    for path in children(source.tree, real):
        file = source.tree[path]
        if file.kind == "dir":
            below = path[len(real) :].lstrip("/") if real else path
            target = f"{where}/{below}".lstrip("/")
            overlay.tree[target] = overlay.tree[target]._replace(mtime=file.mtime)
    if owner is not None and where and not existed:
        overlay.tree[where] = overlay.tree[where]._replace(uid=owner.uid, gid=owner.gid)


def _owned(file: File, owner: Owner | None) -> File:
    if owner is None:
        return file
    mode, xattrs = file.mode, file.xattrs
    if file.kind == "file":
        # Changing the owner of a file takes its capabilities and set-id bits away (chown(2)).
        xattrs = ()
        mode &= ~_SET_UID
        if mode & _GROUP_EXECUTE:
            mode &= ~_SET_GID
    return file._replace(uid=owner.uid, gid=owner.gid, mode=mode, xattrs=xattrs)


def _capabilities(file: File) -> tuple[tuple[str, str], ...]:
    """Of a file's extended attributes, the only one that is read where a folder is copied."""
    return tuple((name, value) for name, value in file.xattrs if name == _CAPABILITY)


def _extract(overlay: Overlay, archive: bytes, where: str) -> None:
    version = overlay.version
    try:
        overlay.make_directories(where)
    except StepError as error:
        path = f"{overlay.root}/{where}/.pivot_root1"
        refusal = messages.TAR_FAILURE(version, messages.PIVOT_FAILURE(version, path))
        raise StepError(f"failed to copy files: {refusal}") from error
    overlay.touch_directory(where)
    try:
        unpack(
            overlay, archive, Unpacker(overlay, root=where, now=overlay.now, rules=rules(version))
        )
    except StepError as error:
        raise StepError(f"failed to copy files: {error.message}") from error
    except (UnpackError, tar.TarError) as error:
        raise StepError(f"failed to copy files: {told(error, version)}") from error


def parse_owner(text: str, overlay: Overlay) -> Owner:
    """The numbers behind `--chown`, looked up in the image's own files.

    Raises:
        StepError: when a name is not there.
    """
    tree, root = overlay.tree, overlay.root
    parts = text.split(":")
    prefix = "unable to convert uid/gid chown string to host mapping: "
    if len(parts) > 2:
        raise StepError(f"{prefix}invalid chown string format: {text}")
    user, group = parts[0], parts[-1]
    return Owner(
        _lookup(tree, root, "etc/passwd", user, f"{prefix}can't find uid for user", "user"),
        _lookup(tree, root, "etc/group", group, f"{prefix}can't find gid for group", "group"),
    )


def _lookup(tree: Tree, root: str, path: str, name: str, failure: str, kind: str) -> int:
    try:
        return settled_owner(int(name))
    except ValueError:
        pass
    file = tree.get(resolve(tree, path))
    if file is None:
        raise StepError(f"{failure} {name}: open {root}/{path}: no such file or directory")
    for line in file.data.decode("utf-8", "replace").splitlines():
        fields = line.strip().split(":")
        if len(fields) >= 3 and fields[0] == name and fields[2].isdigit():
            return int(fields[2])
    raise StepError(f"{failure} {name}: no such {kind}: {name}")


__all__ = [
    "ImageSource",
    "Overlay",
    "Owner",
    "Pick",
    "combined_sum",
    "copy_pick",
    "destination",
    "parse_owner",
    "select",
]
