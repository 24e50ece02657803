"""Layers: what an archive of changes makes of the file system below it.

OCI image specification, "Image Layer Filesystem Changeset":
https://github.com/opencontainers/image-spec/blob/main/layer.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import NamedTuple

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.file_tree import (
    File,
    Tree,
    UnresolvedPathError,
    ancestors,
    clean,
    parent,
    remove,
    remove_below,
    resolve,
)
from imagebuilders.oci.tar_header import EntryType
from imagebuilders.oci.tar_reader import read_tar

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"

MAX_TREE_BYTES = 4 * 1024**3
"""The most bytes of the files of one layer that are held in memory."""
MAX_ARCHIVE_BYTES = 64 * 1024**3
"""The most bytes that a layer may unpack to."""

KINDS = {
    EntryType.FILE: "file",
    EntryType.HARD_LINK: "file",
    EntryType.SYMBOLIC_LINK: "symlink",
    EntryType.CHARACTER_DEVICE: "char",
    EntryType.BLOCK_DEVICE: "block",
    EntryType.DIRECTORY: "dir",
    EntryType.FIFO: "fifo",
}
"""What each type of an archive's entry is in a tree."""


class Member(NamedTuple):
    """One entry of a layer, with its content.

    Attributes:
        name: as it stands in the archive.
        file: what it is; a hard link's `file` is empty.
        hard_link: the path that a hard link repeats; empty for all else.
        size: bytes, as the header has it.
        type_flag: the header's type.
    """

    name: str
    file: File
    hard_link: str = ""
    size: int = 0
    type_flag: str = "0"


def read_layer(
    pieces: Iterable[bytes],
    *,
    max_bytes: int = MAX_TREE_BYTES,
    max_archive_bytes: int = MAX_ARCHIVE_BYTES,
) -> list[Member]:
    """Read a layer into memory: an archive, compressed or not.

    Args:
        pieces: the archive, piece by piece, as from `Repository.open_blob`.
        max_bytes: the most bytes of all files together.
        max_archive_bytes: the most bytes to unpack.

    Raises:
        LayerFormatError: it is malformed, ends too early, is too large, or has an entry of a type
            that only some archivers know.
        ConfigurationError: it is compressed with zstd, which this Python cannot unpack.
    """
    return list(members(decompressed(pieces, max_bytes=max_archive_bytes), max_bytes=max_bytes))


def members(
    pieces: Iterable[bytes], *, max_bytes: int = MAX_TREE_BYTES, skip_unknown: bool = False
) -> Iterator[Member]:
    """Return the entries of an archive that is not compressed, each with its content.

    Args:
        pieces: the archive, piece by piece.
        max_bytes: the most bytes of all files together.
        skip_unknown: leave out entries of a type that only some archivers know.

    Raises:
        LayerFormatError: as for `read_layer`.
    """
    left = max_bytes
    for entry, content in read_tar(pieces):
        kind = KINDS.get(entry.type)
        if kind is None:
            if skip_unknown:
                continue
            raise LayerFormatError(
                f"The archive has an entry of the unknown type {entry.flag!a}: "
                f"{entry.name[:200]!a}."
            )
        if entry.size > left and entry.type is EntryType.FILE:
            raise LayerFormatError(f"The files of the archive have more than {max_bytes} bytes.")
        data = b"".join(content) if entry.type is EntryType.FILE else b""
        left -= len(data)
        is_link = entry.type is EntryType.HARD_LINK
        file = File(
            kind=kind,
            mode=entry.mode,
            uid=entry.uid,
            gid=entry.gid,
            mtime=entry.mtime,
            data=data,
            link=entry.link if kind == "symlink" else "",
            device=entry.device,
            xattrs=entry.xattrs,
        )
        is_bare = kind == "dir" and not entry.name.endswith("/")
        yield Member(
            name=entry.name + "/" * is_bare,
            file=file,
            hard_link=entry.link if is_link else "",
            size=entry.size if kind == "file" and not is_link else 0,
            type_flag=entry.flag,
        )


def apply_layer(lower: Mapping[str, File], layer: Iterable[Member]) -> Tree:
    """Return the tree that a layer makes of the one below it.

    A layer's archive is unpacked by itself, and then laid over what is below: a link in it leads
    where it leads in the layer, a folder of it takes the place of a link below, and whiteouts take
    away what is below, never what their own layer brings.

    Args:
        lower: the tree below; it is not changed.
        layer: the layer's entries.

    Raises:
        LayerFormatError: a hard link leads to nothing, or links lead in a circle.
    """
    hidden, opaque, own = _sort(layer)
    result = {} if "" in opaque else dict(lower)
    for path in hidden:
        result.pop(path, None)
    remove_below(result, hidden | opaque)
    unpacked, implied = _unpack(own, result)
    remove_below(result, {path for path, file in unpacked.items() if file.kind != "dir"})
    for path, file in unpacked.items():
        below = result.get(path)
        if path not in implied or below is None or below.kind != "dir":
            result[path] = file
    return result


def flatten(layers: Iterable[Iterable[Member]]) -> Tree:
    """Return the root file system that layers make together, the lowest first.

    Raises:
        LayerFormatError: as for `apply_layer`.
    """
    tree: Tree = {}
    for layer in layers:
        tree = apply_layer(tree, layer)
    return tree


def add_member(tree: Tree, path: str, member: Member) -> None:
    """Put one entry of an archive into a tree, over what is there.

    Args:
        tree: where to.
        path: the place in it.
        member: the entry.

    Raises:
        LayerFormatError: it is a hard link to nothing.
    """
    if not path:
        return
    file = member.file
    if member.hard_link:
        file = _linked(tree, member)
    old = tree.get(path)
    if old is not None and old.kind == "dir" and file.kind != "dir":
        remove(tree, path)
    for above in ancestors(path):
        if above not in tree:
            tree[above] = File("dir", 0o755, mtime=file.mtime)
    tree[path] = file


_inodes = count(1)


def _linked(tree: Tree, member: Member) -> File:
    """Make the file that a hard link leads to one of several names of it."""
    target = clean(member.hard_link)
    source = tree.get(target)
    if source is None:
        raise LayerFormatError(f"invalid hardlink {member.name!r} -> {member.hard_link!r}")
    shared = source if source.inode else source._replace(inode=next(_inodes))
    tree[target] = shared
    return shared


def _sort(layer: Iterable[Member]) -> tuple[set[str], set[str], list[tuple[str, Member]]]:
    """Return the paths that a layer hides, the folders that it empties, and what it brings."""
    hidden: set[str] = set()
    opaque: set[str] = set()
    own: list[tuple[str, Member]] = []
    for member in layer:
        path = clean(member.name)
        folder, name = parent(path), path.rpartition("/")[2]
        if name == OPAQUE:
            opaque.add(folder)
        elif not name.startswith(WHITEOUT):
            own.append((path, member))
        elif not name.startswith(WHITEOUT * 2):  # those are notes of a storage driver
            gone = name[len(WHITEOUT) :]
            hidden.add(f"{folder}/{gone}".lstrip("/"))
    return hidden, opaque, own


def _unpack(own: Iterable[tuple[str, Member]], lower: Tree) -> tuple[Tree, set[str]]:
    """Unpack a layer by itself; return its tree, and which folders of it are only implied.

    A hard link may lead to a file below the layer, which then gets another name there.
    """
    tree: Tree = {}
    implied: set[str] = set()
    for path, member in own:
        if not path:
            continue
        place = _place(tree, path)
        if member.hard_link and clean(member.hard_link) not in tree:
            file = _linked(lower, member)
        else:
            file = _linked(tree, member) if member.hard_link else member.file
        for above in ancestors(place):
            found = tree.get(above)
            if found is None:
                tree[above] = File("dir", 0o755, mtime=file.mtime)
                implied.add(above)
            elif found.kind != "dir":
                raise LayerFormatError(f"{path!a} lies below {above!a}, no folder.")
        if file.kind != "dir" and place in tree and tree[place].kind == "dir":
            remove(tree, place)
        tree[place] = file
        implied.discard(place)
    return tree, implied


def _place(tree: Mapping[str, File], path: str) -> str:
    """Return where an entry goes: links among its folders are followed."""
    folder, name = parent(path), path.rpartition("/")[2]
    try:
        return f"{resolve(tree, folder)}/{name}".lstrip("/")
    except UnresolvedPathError as error:
        raise LayerFormatError(f"The links on the way to {path!a} do not end.") from error
