"""Owners of files by number, as chown(2) takes them."""

from __future__ import annotations

from imagebuilders.oci.file_tree import File

_NO_CHANGE = 0xFFFF_FFFF
"""-1 in 32 bits."""


def settled_owner(number: int) -> int:
    """Return what becomes of the number of a new file's owner: of it 32 bits are set.

    -1 stands for the owner that is there, which is root.
    """
    low = number & _NO_CHANGE
    return 0 if low == _NO_CHANGE else low


def with_settled_owners(file: File) -> File:
    """Return a file as it is when its owner and group were set."""
    uid, gid = settled_owner(file.uid), settled_owner(file.gid)
    return file if (uid, gid) == (file.uid, file.gid) else file._replace(uid=uid, gid=gid)
