"""The programs about files, by their names."""

from __future__ import annotations

from ...process import Main
from . import copying, listing, making, modes, paths, removing, statuses
from .find.main import find


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "ls": listing.ls,
        "cp": copying.cp,
        "mv": copying.mv,
        "install": copying.install,
        "rm": removing.rm,
        "rmdir": removing.rmdir,
        "unlink": removing.unlink,
        "mkdir": making.mkdir,
        "touch": making.touch,
        "ln": making.ln,
        "link": making.link,
        "mkfifo": making.mkfifo,
        "mknod": making.mknod,
        "mktemp": making.mktemp,
        "truncate": making.truncate,
        "chmod": modes.chmod,
        "chown": modes.chown,
        "chgrp": modes.chgrp,
        "stat": statuses.stat,
        "du": statuses.du,
        "df": statuses.df,
        "sync": statuses.sync,
        "find": find,
        "basename": paths.basename,
        "dirname": paths.dirname,
        "readlink": paths.readlink,
        "realpath": paths.realpath,
        "pwd": paths.pwd,
    }
    if not is_busybox:
        found.update({"dir": listing.ls, "vdir": listing.ls})
    return found
