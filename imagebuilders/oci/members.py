"""The entries of archives with their contents: layers, contexts, what ADD unpacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from imagebuilders.exceptions import LayerFormatError
from imagebuilders.oci.compression import decompressed
from imagebuilders.oci.content import Content
from imagebuilders.oci.file_tree import File
from imagebuilders.oci.tar_header import EntryType, TarEntry
from imagebuilders.oci.tar_reader import read_tar

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
_SELDOM = frozenset("7S")
"""Types of regular files that engines do not unpack: contiguous ones, and sparse ones of GNU."""


class Member(NamedTuple):
    """One entry of a layer, with its content.

    Attributes:
        name: as it stands in the archive.
        file: what it is; a hard link's `file` is empty.
        hard_link: the path that a hard link repeats; empty for all else.
        size: bytes, as the header has it.
        type_flag: the header's type.
        is_bare: it is a folder whose name has no slash at its end in the archive, as here.
    """

    name: str
    file: File
    hard_link: str = ""
    size: int = 0
    type_flag: str = "0"
    is_bare: bool = False

    @property
    def stored_name(self) -> str:
        """The name as it stands in the archive."""
        return self.name[: -1 if self.is_bare else None]

    @property
    def is_hard_link(self) -> bool:
        """Whether it is one; one without a target, too."""
        return bool(self.hard_link) or self.type_flag == "1"


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
    pieces: Iterable[bytes],
    *,
    max_bytes: int = MAX_TREE_BYTES,
    keep_odd: bool = False,
    elsewhere: Callable[[int, TarEntry], Content | None] | None = None,
) -> Iterator[Member]:
    """Return the entries of an archive that is not compressed, each with its content.

    Args:
        pieces: the archive, piece by piece.
        max_bytes: the most bytes of all files together that are held.
        keep_odd: return entries of a type that only some archivers know, as of the kind `other`,
            and what there is of the one in which the archive ends, before the error.
        elsewhere: says where the content of a regular file, given with its place among the
            archive's entries, can be read later; `None` for one to hold. Without it all are held.

    Raises:
        LayerFormatError: as for `read_layer`.
    """
    left = max_bytes
    for index, (entry, content) in enumerate(read_tar(pieces)):
        kind = KINDS.get(entry.type)
        if keep_odd and (kind is None or entry.flag in _SELDOM):
            kind = "other"
        if kind is None:
            raise LayerFormatError(
                f"The archive has an entry of the unknown type {entry.flag!a}: "
                f"{entry.name[:200]!a}."
            )
        stored, data, problem = None, b"", None
        if entry.type is EntryType.FILE and elsewhere is not None:
            stored = elsewhere(index, entry)
        if entry.type is EntryType.FILE and stored is None:
            if entry.size > left:
                raise LayerFormatError(
                    f"The files of the archive have more than {max_bytes} bytes."
                )
            data, problem = _read(content)
            left -= len(data)
        if problem is not None and not keep_odd:
            raise problem
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
            content=stored,
        )
        is_bare = kind == "dir" and not entry.name.endswith("/")
        yield Member(
            name=entry.name + "/" * is_bare,
            file=file,
            hard_link=entry.link if is_link else "",
            size=entry.size if kind == "file" and not is_link else 0,
            type_flag=entry.flag,
            is_bare=is_bare,
        )
        if problem is not None:
            raise problem


def _read(content: Iterator[bytes]) -> tuple[bytes, LayerFormatError | None]:
    """Read an entry's content, as far as it goes; and why no further."""
    data = bytearray()
    try:
        for piece in content:
            data += piece
    except LayerFormatError as error:
        return bytes(data), error
    return bytes(data), None
