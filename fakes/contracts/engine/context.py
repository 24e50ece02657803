"""Build contexts for scenarios: small tars with fixed times."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MTIME = 1_600_000_000
"""The time of every entry unless it says otherwise."""


@dataclass(frozen=True)
class Entry:
    """A file of a context that is not just text.

    Attributes:
        content: of a regular file.
        mode: permission bits.
        uid: owner.
        gid: group.
        mtime: seconds.
        link: target of a symbolic link.
        hard_link: path this entry repeats.
        directory: it is a directory.
        fifo: it is a named pipe.
        device: major and minor number of a character device.
        flag: the type as it stands in the header, where it is none of these.
    """

    content: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = MTIME
    link: str = ""
    hard_link: str = ""
    directory: bool = False
    fifo: bool = False
    device: tuple[int, int] | None = None
    flag: bytes = b""


def directory(mode: int = 0o755, uid: int = 0, gid: int = 0, mtime: int = MTIME) -> Entry:
    """An entry for a directory."""
    return Entry(mode=mode, uid=uid, gid=gid, mtime=mtime, directory=True)


def symlink(target: str) -> Entry:
    """An entry for a symbolic link."""
    return Entry(link=target, mode=0o777)


Files = Mapping[str, "str | bytes | Entry"]


def pack(
    files: Files | Sequence[tuple[str, str | bytes | Entry]], *, add_folders: bool = True
) -> bytes:
    """A tar of the files, in the order given.

    Args:
        files: by name; as pairs, a name can come twice.
        add_folders: each folder above a file gets an entry, once.
    """
    stream = io.BytesIO()
    seen: set[str] = set()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, value in files.items() if isinstance(files, Mapping) else files:
            folders = name.split("/")[:-1] if add_folders else []
            for depth in range(1, len(folders) + 1):
                folder = "/".join(folders[:depth])
                if folder not in seen and folder not in files:
                    archive.addfile(_info(folder, directory()))
                seen.add(folder)
            entry = value if isinstance(value, Entry) else _text(value)
            seen.add(name)
            archive.addfile(_info(name, entry), io.BytesIO(entry.content))
    return stream.getvalue()


def _text(value: str | bytes) -> Entry:
    return Entry(value.encode() if isinstance(value, str) else value)


def _info(name: str, entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    if entry.directory:
        info.type = tarfile.DIRTYPE
    elif entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    elif entry.hard_link:
        info.type, info.linkname = tarfile.LNKTYPE, entry.hard_link
    elif entry.fifo:
        info.type = tarfile.FIFOTYPE
    elif entry.device:
        info.type, (info.devmajor, info.devminor) = tarfile.CHRTYPE, entry.device
    elif entry.flag:
        info.type = entry.flag
    else:
        info.size = len(entry.content)
    return info
