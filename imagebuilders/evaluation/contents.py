"""Files of build contexts and bytes as contents of a tree, and contexts as trees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

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
        digest: the digest of what is in it, if it is known.
    """

    __slots__ = ("_digest", "_entry", "_reader", "size")

    def __init__(self, entry: Entry, reader: ContentReader, digest: Digest | None = None) -> None:
        self._entry = entry
        self._reader = reader
        self._digest = digest
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
    snapshot: ContextSnapshot,
    reader: ContentReader,
    now: Callable[[], int],
    *,
    hashes: Mapping[str, str] | None = None,
    time_of: Callable[[Entry], int | None] = lambda entry: entry.mtime_ns,
) -> Folder:
    """Return a build context as a tree; files are read when they are needed.

    All belongs to root, as clients send it; hard links stay links.

    Args:
        snapshot: the context.
        reader: reads the files; to be closed when the tree is not needed any more.
        now: the time of the root, in nanoseconds since 1970.
        hashes: the SHA-256 of files' contents in hexadecimal, by path, as far as they are known.
        time_of: returns an entry's time, in nanoseconds since 1970; its own by default.
    """
    known = hashes or {}
    entries = list(snapshot)
    links = Counter((entry.device, entry.inode) for entry in entries if entry.inode)
    inodes: dict[tuple[int, int], int] = {}
    root = Folder(stamped(File("dir", 0o755), now()))
    folders = {"": root}
    for entry in entries:
        above, _, name = entry.path.rpartition("/")
        file = File(_KINDS[entry.type], entry.mode if entry.type is not EntryType.LINK else 0o777)
        time = time_of(entry)
        if time is not None:
            file = stamped(file, time)
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
            digest = Digest("sha256", known[entry.path]) if entry.path in known else None
            file = file._replace(content=ContextContent(entry, reader, digest), inode=inode)
        folders[above].names[name] = file
    return root
