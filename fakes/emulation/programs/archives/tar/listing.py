"""How members are listed."""

from __future__ import annotations

import stat as modes
import tarfile
from datetime import datetime, timezone

_KINDS = {
    tarfile.SYMTYPE: "l",
    tarfile.DIRTYPE: "d",
    tarfile.FIFOTYPE: "p",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
}


def shown_name(member: tarfile.TarInfo, name: str) -> str:
    """Return a member's name, as a folder's ends with a slash."""
    return name + ("/" if member.isdir() and not name.endswith("/") else "")


def long_line(member: tarfile.TarInfo, name: str, *, is_busybox: bool) -> str:
    """Return the line of `tar -tv`, without its end."""
    shown = shown_name(member, name)
    letter = _KINDS.get(member.type, "-")
    mode = letter + modes.filemode(member.mode | modes.S_IFREG)[1:]
    owner = f"{member.uname or member.uid}/{member.gname or member.gid}"
    moment = datetime.fromtimestamp(member.mtime, timezone.utc)
    link = (
        f" -> {member.linkname}"
        if member.issym()
        else f" link to {member.linkname}"
        if member.islnk()
        else ""
    )
    if is_busybox:
        stamp = moment.strftime("%Y-%m-%d %H:%M:%S")
        return f"{mode} {owner} {member.size:9d} {stamp} {shown}{link}"
    stamp = moment.strftime("%Y-%m-%d %H:%M")
    width = max(0, 19 - len(owner) - 1)
    return f"{mode} {owner} {str(member.size).rjust(width)} {stamp} {shown}{link}"
