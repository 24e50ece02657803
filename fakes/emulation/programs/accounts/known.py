"""The programs about accounts, by their names."""

from __future__ import annotations

from ...process import Main
from . import busybox, debian, identity, passwords, shadow, switching


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
            "useradd": shadow.useradd,
            "usermod": shadow.usermod,
            "userdel": shadow.userdel,
            "groupadd": shadow.groupadd,
            "groupmod": shadow.groupmod,
            "groupdel": shadow.groupdel,
            "gpasswd": shadow.gpasswd,
            "chsh": shadow.chsh,
            "adduser": debian.adduser,
            "addgroup": debian.addgroup,
            "deluser": debian.deluser,
            "delgroup": debian.delgroup,
        })  # fmt: skip
    return found
