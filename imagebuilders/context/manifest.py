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
from collections.abc import Callable, Iterable
from itertools import islice

from imagebuilders.context.content import read_chunks
from imagebuilders.context.entries import Entry, EntryType

HEADER = b"imagebuilders-context 1\n"
_AT_ONCE = 256
_HASHED_AT_ONCE = 64 * 1024  # fits in a processor's own cache
_FILE = EntryType.FILE


def hash_content(entry: Entry) -> str:
    """Give the SHA-256 of a file's content, in hexadecimal.

    Raises:
        ContextChangedError: the file changed after its entry was made.
        BuildContextError: the file cannot be read.
    """
    digest = hashlib.sha256()
    for chunk in read_chunks(entry, _HASHED_AT_ONCE):
        digest.update(chunk)
    return digest.hexdigest()


def record(entry: Entry, content_hash: Callable[[Entry], str] = hash_content) -> str:
    """Give the entry's record in the manifest, as text with `surrogateescape`."""
    kind = entry.type
    if kind is _FILE:
        mode = "755" if entry.mode & 0o100 else "644"
        return f"f {mode} {entry.path}\0{content_hash(entry)}\0"
    if kind is EntryType.LINK:
        return f"l 777 {entry.path}\0{entry.target}\0"
    return f"d 755 {entry.path}\0\0"


def digest_entries(
    entries: Iterable[Entry], content_hash: Callable[[Entry], str] = hash_content
) -> str:
    """Give `sha256:<hex>` over the manifest of `entries`."""
    return digest_records(record(entry, content_hash) for entry in entries)


def digest_records(records: Iterable[str]) -> str:
    """Give `sha256:<hex>` over the manifest of these records."""
    digest = hashlib.sha256(HEADER)
    iterator = iter(records)
    while some := "".join(islice(iterator, _AT_ONCE)):
        digest.update(some.encode("utf-8", "surrogateescape"))
    return f"sha256:{digest.hexdigest()}"
