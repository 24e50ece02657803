"""What a build context is made of."""

from __future__ import annotations

import enum
import os
import sys
from typing import NamedTuple

UTF8_NAMES = sys.getfilesystemencoding() in ("utf-8", "utf8")
"""Whether the names of the file system are those of a context as they are."""


class EntryType(enum.Enum):
    """A context holds files, directories and symbolic links, and nothing else."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


class Entry(NamedTuple):
    """One file, directory or symbolic link of a context.

    Attributes:
        path: the path in the context, `/`-separated. Bytes that are no UTF-8 stand in it as
            lone surrogates (`surrogateescape`).
        type: what it is.
        mode: the permission bits as they are on disk.
        size: the file's size in bytes; 0 for what is no file.
        mtime_ns: when the content last changed, in nanoseconds since 1970; `None` when the entry
            has no time.
        ctime_ns: when the inode last changed, likewise; 0 when the entry has no inode.
        inode: the inode's number; 0 when the entry stands in no file system, or its content is
            held. Two files of one inode and device are hard links of each other.
        device: the file system's number; 0 likewise.
        target: where a symbolic link points to, as it is written in the link.
        source: the file's path on disk, or its content.
        root: the folder below which no link is followed on the way to `source`; empty when the
            whole path is to be followed.
    """

    path: str
    type: EntryType
    mode: int = 0o644
    size: int = 0
    mtime_ns: int | None = None
    ctime_ns: int = 0
    inode: int = 0
    device: int = 0
    target: str = ""
    source: str | bytes = b""
    root: str = ""

    @property
    def normal_mode(self) -> int:
        """The mode without what differs between checkouts: 0755 or 0644, links 0777."""
        if self.type is EntryType.FILE:
            return 0o755 if self.mode & 0o100 else 0o644
        return 0o755 if self.type is EntryType.DIRECTORY else 0o777


def encode_path(path: str) -> bytes:
    """Return the bytes that a path stands for."""
    return path.encode("utf-8", "surrogateescape")


def decode_path(name: bytes) -> str:
    """Return the path that bytes stand for: undo `encode_path`."""
    return name.decode("utf-8", "surrogateescape")


def context_name(name: str) -> str:
    """Return a name of the file system as a context has it: UTF-8 with `surrogateescape`."""
    if UTF8_NAMES or name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def disk_name(name: str) -> str:
    """Return a name of a context in the file system's encoding: undo `context_name`."""
    return name if UTF8_NAMES else os.fsdecode(encode_path(name))


def sort_key(path: str) -> bytes:
    """Return the key of the order in which entries come.

    Parents come before what is in them, and the names of one directory in byte order, so
    that all of a directory stands together: `a`, `a/b`, `a-b`.
    """
    return path.encode("utf-8", "surrogateescape").replace(b"/", b"\0")


def show_path(path: str) -> str:
    """Return a path on one line, harmless for a terminal.

    What would move the cursor or cannot be encoded is spelled out, as in `\\n` and `\\x1b`; bytes
    that are not UTF-8 show as they are, as in `\\xff`.
    """
    if path.isprintable():
        return path
    return "".join(char if char.isprintable() else _escaped(char) for char in path)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is not UTF-8, as Python carries it
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
