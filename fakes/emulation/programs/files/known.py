"""The programs about files, by their names."""

from __future__ import annotations

from ...process import Main
from . import (
    copying,
    installing,
    linking,
    listing,
    making,
    modes,
    moving,
    paths,
    removing,
    statuses,
    touching,
)
from .find.main import find


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "ls": listing.ls,
        "cp": copying.cp,
        "mv": moving.mv,
        "install": installing.install,
        "rm": removing.rm,
        "rmdir": removing.rmdir,
        "unlink": removing.unlink,
        "mkdir": making.mkdir,
        "touch": touching.touch,
        "ln": linking.ln,
        "link": linking.link,
        "mkfifo": making.mkfifo,
        "mknod": making.mknod,
        "mktemp": making.mktemp,
        "truncate": touching.truncate,
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
