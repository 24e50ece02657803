"""Files of build contexts and bytes as contents of a tree, and contexts as trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from imagebuilders.context.content import ContentReader
from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.snapshot import ContextSnapshot
from imagebuilders.evaluation.trees import Folder, stamped
from imagebuilders.oci.content import digest_pieces
from imagebuilders.oci.digest import Digest
from imagebuilders.oci.file_tree import File, new_inode

_KINDS = {EntryType.FILE: "file", EntryType.LINK: "symlink", EntryType.DIRECTORY: "dir"}


class ContextContent:
    """What is in a file of a build context.

    Args:
        entry: the file.
        reader: reads it; shared by all files of the context.
    """

    __slots__ = ("_digest", "_entry", "_reader", "size")

    def __init__(self, entry: Entry, reader: ContentReader) -> None:
        self._entry = entry
        self._reader = reader
        self._digest: Digest | None = None
        self.size = entry.size

    def pieces(self) -> Iterator[bytes]:
        """Return the bytes, piece by piece.

        Raises:
            ContextChangedError: the file changed since the snapshot was taken.
            BuildContextError: it cannot be read.
        """
        return self._reader.read_chunks(self._entry)

    def digest(self) -> Digest:
        """Return the SHA-256 digest; raises as `pieces` does."""
        if self._digest is None:
            self._digest = digest_pieces(self.pieces())
        return self._digest


def context_tree(
    snapshot: ContextSnapshot, reader: ContentReader, now: Callable[[], int]
) -> Folder:
    """Return a build context as a tree; files are read when they are needed.

    All belongs to root, as clients send it; hard links stay links.

    Args:
        snapshot: the context.
        reader: reads the files; to be closed when the tree is not needed any more.
        now: the time of the root, in nanoseconds since 1970.
    """
    entries = list(snapshot)
    links = Counter((entry.device, entry.inode) for entry in entries if entry.inode)
    inodes: dict[tuple[int, int], int] = {}
    root = Folder(stamped(File("dir", 0o755), now()))
    folders = {"": root}
    for entry in entries:
        above, _, name = entry.path.rpartition("/")
        file = File(_KINDS[entry.type], entry.mode if entry.type is not EntryType.LINK else 0o777)
        if entry.mtime_ns is not None:
            file = stamped(file, entry.mtime_ns)
        if entry.type is EntryType.DIRECTORY:
            folders[entry.path] = folder = Folder(file)
            folders[above].names[name] = folder
            continue
        if entry.type is EntryType.LINK:
            file = file._replace(link=entry.target)
        else:
            key = (entry.device, entry.inode)
            inode = 0
            if entry.inode and links[key] > 1:
                inode = inodes.get(key) or inodes.setdefault(key, new_inode())
            file = file._replace(content=ContextContent(entry, reader), inode=inode)
        folders[above].names[name] = file
    return root
