"""Home folders: made from /etc/skel, moved, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..files.modes import walk

if TYPE_CHECKING:
    from ...process import Process


def make_home(
    process: Process,
    home: str,
    uid: int,
    gid: int,
    *,
    mode: int = 0o700,
    skeleton: bool = True,
    keep_times: bool = True,
) -> None:
    """Make a home folder, with what /etc/skel has, and the times of that if it is to keep them."""
    files = process.system.files
    current = ""
    for part in home.strip("/").split("/")[:-1]:
        current += f"/{part}"
        if not files.exists(process, current):
            files.make_folder(process, current)
            files.set_mode(process, current, 0o755)
    if not files.exists(process, home):
        files.make_folder(process, home)
    if skeleton and files.kind(process, "/etc/skel") == "dir":
        for path in walk(process, "/etc/skel"):
            target = home + path[len("/etc/skel") :]
            if files.exists(process, target, follow=False):
                continue
            status = files.status(process, path, follow=False)
            if status.kind == "dir":
                files.make_folder(process, target)
            elif status.kind == "symlink":
                files.make_link(process, files.read_link(process, path), target)
                continue
            elif status.kind == "file":
                files.write_file(process, target, files.read_file(process, path))
            files.set_owner(process, target, uid, gid)
            files.set_mode(process, target, status.mode)
            if keep_times:
                files.set_time(process, target, status.mtime + status.nanoseconds / 1e9)
    files.set_owner(process, home, uid, gid)
    files.set_mode(process, home, mode)


def remove_home(process: Process, home: str) -> None:
    """Remove a home folder, with all that is in it."""
    files = process.system.files
    if not files.exists(process, home, follow=False) or home == "/":
        return
    for path in walk(process, home, depth_first=True):
        if files.kind(process, path, follow=False) == "dir":
            files.remove_folder(process, path)
        else:
            files.remove_file(process, path)
