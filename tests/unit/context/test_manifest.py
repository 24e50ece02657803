"""The digest of a context."""

from __future__ import annotations

import hashlib

from imagebuilders.context.entries import Entry, EntryType
from imagebuilders.context.manifest import ContentHasher, digest_folder
from imagebuilders.context.manifest import record as record_with
from imagebuilders.context.packing import pack_entries

FILE = Entry("a/run", EntryType.FILE, 0o751, 1, source=b"x")


def digest_entries(entries: list[Entry]) -> str:
    """Return the digest of entries."""
    with ContentHasher() as hasher:
        return digest_folder(pack_entries(entries), hasher)


def record(entry: Entry) -> str:
    """Return an entry's record."""
    with ContentHasher() as hasher:
        return record_with(entry, hasher.content_hash)


def test_as_documented() -> None:
    """The digest is that of the documented bytes, made here by hand."""
    entries = [
        Entry("a", EntryType.DIRECTORY, 0o700),
        FILE,
        Entry("l", EntryType.LINK, 0o777, target="../x\udcff"),
        Entry("\udcff\n", EntryType.FILE, 0o600),
    ]
    manifest = (
        b"imagebuilders-context 1\n"
        b"d 755 a\0\0"
        b"f 755 a/run\0" + hashlib.sha256(b"x").hexdigest().encode() + b"\0"
        b"l 777 l\0../x\xff\0"
        b"f 644 \xff\n\0" + hashlib.sha256(b"").hexdigest().encode() + b"\0"
    )
    assert digest_entries(entries) == "sha256:" + hashlib.sha256(manifest).hexdigest()


def test_empty_context() -> None:
    """A context of nothing has a digest too."""
    expected = hashlib.sha256(b"imagebuilders-context 1\n").hexdigest()
    assert digest_entries([]) == f"sha256:{expected}"


def test_what_counts() -> None:
    """Path, type, the executable bit, content and target count; times and owners do not."""
    different = [
        FILE,
        FILE._replace(path="a/ran"),
        FILE._replace(mode=0o644),
        FILE._replace(source=b"y"),
        Entry("a/run", EntryType.DIRECTORY),
        Entry("a/run", EntryType.LINK, target="x"),
        Entry("a/run", EntryType.LINK, target="y"),
    ]
    assert len({record(entry) for entry in different}) == len(different)
    assert record(FILE._replace(mode=0o700, mtime_ns=5, inode=7, device=3)) == record(FILE)
