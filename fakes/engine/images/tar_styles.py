"""How the layers of each engine version are written."""

from __future__ import annotations

from imagebuilders.oci.tar_writer import PLAIN, TarStyle

from ..versions import ByVersion

# The engine writes the names its own machine has for the numbers; these are those
# that every Debian and Ubuntu system has (base-passwd).
_USERS = {
    **dict(enumerate(("root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail"))),
    9: "news",
    10: "uucp",
    13: "proxy",
    33: "www-data",
    34: "backup",
    38: "list",
    39: "irc",
    65534: "nobody",
}
_GROUPS = {
    **dict(enumerate(("root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail"))),
    9: "news",
    10: "uucp",
    12: "man",
    13: "proxy",
    15: "kmem",
    20: "dialout",
    24: "cdrom",
    27: "sudo",
    33: "www-data",
    34: "backup",
    37: "operator",
    40: "src",
    42: "shadow",
    44: "video",
    50: "staff",
    60: "games",
    100: "users",
    65534: "nogroup",
}

STYLES = ByVersion(TarStyle(has_type_bits=True, users=_USERS, groups=_GROUPS), {"23.0": PLAIN})
"""Older engines wrote the types of files, and the names of their own machine's accounts."""
