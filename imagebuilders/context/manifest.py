"""The digest of a context: SHA-256 over a canonical manifest.

The manifest is the line `imagebuilders-context 1` (with its line feed) and then, for each
entry in the order of the context, a record:

    <type> SP <mode> SP <path> NUL <value> NUL

`type` is `f` (file), `d` (directory) or `l` (symbolic link). `mode` is three octal digits:
`755` for a file that its owner may execute and for a directory, `644` for any other file,
`777` for a link. `path` is the path in the context as bytes, without a slash at its ends.
`value` is the SHA-256 of the content in lower-case hexadecimal for a file, nothing for a
directory, the target as bytes for a link. SP is one space, NUL one zero byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from imagebuilders.context.content import CHUNK_SIZE, ContentReader
from imagebuilders.context.entries import Entry, EntryType, encode_path
from imagebuilders.context.folder import Folder

HEADER = b"imagebuilders-context 1\n"
_HASHED_AT_ONCE = 64 * 1024  # fits in a processor's own cache
_FILE = EntryType.FILE


class ContentHasher:
    """Gives the SHA-256 of files by reading them. Use as a context manager."""

    def __init__(self) -> None:
        self._reader = ContentReader()

    def __enter__(self) -> ContentHasher:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._reader.close()

    def content_hash(self, entry: Entry) -> str:
        """Return the SHA-256 of a file's content, in hexadecimal.

        Raises:
            ContextChangedError: the file changed after its entry was made.
            BuildContextError: the file cannot be read.
        """
        if entry.size <= CHUNK_SIZE:
            return hashlib.sha256(self._reader.read_whole(entry)).hexdigest()
        digest = hashlib.sha256()
        for chunk in self._reader.read_chunks(entry, _HASHED_AT_ONCE):
            digest.update(chunk)
        return digest.hexdigest()

    def records(self, folder: Folder) -> bytes:
        """Return the records of a folder's packed files, one behind the other.

        Raises:
            ContextChangedError, BuildContextError: as `content_hash` does.
        """
        content_hash = self.content_hash
        return encode_path("".join([record(file, content_hash) for file in folder.files()]))


def record(entry: Entry, content_hash: Callable[[Entry], str]) -> str:
    """Return the entry's record in the manifest, as text with `surrogateescape`."""
    kind = entry.type
    if kind is _FILE:
        mode = "755" if entry.mode & 0o100 else "644"
        return f"f {mode} {entry.path}\0{content_hash(entry)}\0"
    if kind is EntryType.LINK:
        return f"l 777 {entry.path}\0{entry.target}\0"
    return f"d 755 {entry.path}\0\0"


def record_size(prefix: bytes) -> int:
    """Return the size of a file's record without the name in it.

    Args:
        prefix: what the path begins with, before the name.
    """
    return len(b"f 644 ") + len(prefix) + len(b"\0") + hashlib.sha256().digest_size * 2 + len(b"\0")


def digest_folder(root: Folder, hasher: ContentHasher) -> str:
    """Return `sha256:<hex>` over the manifest of a context."""
    digest = hashlib.sha256(HEADER)
    for piece in manifest_of(root, hasher):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def manifest_of(root: Folder, hasher: ContentHasher) -> Iterator[bytes]:
    """Yield the records of a context's manifest, joined to pieces."""
    open_folders = [_pieces(root, hasher)]
    while open_folders:
        for piece in open_folders[-1]:
            if isinstance(piece, Folder):
                open_folders.append(_pieces(piece, hasher))
                break
            yield piece
        else:
            open_folders.pop()


def _pieces(folder: Folder, hasher: ContentHasher) -> Iterator[bytes | Folder]:
    """Yield a folder's records, and in their places the folders whose records come in between."""
    records = hasher.records(folder) if folder.names else b""
    if not folder.children:
        yield records
        return
    size = record_size(encode_path(folder.prefix))
    start = 0
    for child in folder.children:
        end = child.position * size + child.offset - child.position
        yield records[start:end]
        start = end
        yield encode_path(record(child.entry, hasher.content_hash))
        if child.folder is not None:
            yield child.folder
    yield records[start:]
