"""The programs about accounts, by their names."""

from __future__ import annotations

from ...process import Main
from . import busybox, debian, groups, identity, passwords, switching, users


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "id": identity.identity,
        "whoami": identity.whoami,
        "groups": identity.groups,
        "su": switching.su,
        "chpasswd": passwords.chpasswd,
        "passwd": passwords.passwd,
        "nologin": switching.nologin,
    }
    if is_busybox:
        found.update({
            "adduser": busybox.adduser,
            "addgroup": busybox.addgroup,
            "deluser": busybox.deluser,
            "delgroup": busybox.delgroup,
            "logname": identity.logname,
        })  # fmt: skip
    else:
        found.update({
            "getent": identity.getent,
            "logname": identity.logname,
            "useradd": users.useradd,
            "usermod": users.usermod,
            "userdel": users.userdel,
            "groupadd": groups.groupadd,
            "groupmod": groups.groupmod,
            "groupdel": groups.groupdel,
            "gpasswd": groups.gpasswd,
            "chsh": users.chsh,
            "adduser": debian.adduser,
            "addgroup": debian.addgroup,
            "deluser": debian.deluser,
            "delgroup": debian.delgroup,
        })  # fmt: skip
    return found
