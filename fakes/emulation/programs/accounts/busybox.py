"""Busybox's `adduser`, `addgroup`, `deluser` and `delgroup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options import Options
from .databases import Databases, free_number
from .homes import make_home, remove_home

if TYPE_CHECKING:
    from ...process import Process

_LAST = 59_999


def adduser(process: Process) -> int:
    """Add an account, or an account to a group."""
    options = Options(
        process,
        "h:g:s:G:DSHu:k:",
        "home=:h gecos=:g shell=:s ingroup=:G disabled-password:D empty-password:D system:S "
        "no-create-home:H uid=:u skel=:k",
    )
    options.needs(1)
    if process.credentials.uid:
        raise process.fail("must be superuser")
    data = Databases(process)
    name = options.operands[0]
    if len(options.operands) > 1:
        return _join(process, data, name, options.operands[1])
    if data.users.find(name) is not None:
        raise process.fail(f"user '{name}' in use")
    system = "S" in options
    first, last = (100, 999) if system else (1000, _LAST)
    taken = data.users.numbers()
    if (text := options.value("u")) is not None:
        if not text.isdigit():
            raise process.fail(f"invalid number '{text}'")
        uid = int(text)
        if uid in taken:
            raise process.fail(f"uid '{uid}' in use")
    else:
        own_group = options.value("G") is None
        both = taken | (data.groups.numbers() if own_group and not system else set())
        found = free_number(both, first, last)
        if found is None:
            raise process.fail("no uids left")
        uid = found
    group = options.value("G")
    if group is not None:
        line = data.groups.find(group)
        if line is None:
            raise process.fail(f"unknown group {group}")
        gid = int(line[2])
    elif system:
        gid = 65_533
        line = data.groups.find("nogroup")
        gid = int(line[2]) if line is not None else 65_533
    else:
        if data.groups.find(name) is not None:
            raise process.fail(f"group '{name}' in use")
        gid = (
            uid
            if uid not in data.groups.numbers()
            else free_number(data.groups.numbers(), 1000, _LAST) or uid
        )
        data.add_group(name, gid)
    home = options.value("h") or f"/home/{name}"
    shell = options.value("s") or (
        "/bin/false" if system else process.environment.get("SHELL") or "/bin/sh"
    )
    comment = options.value("g")
    if comment is None:
        comment = "Linux User,,,"
    data.users.add(name, "x", str(uid), str(gid), comment, home, shell)
    data.shadows.add(name, "!", data.today, "0", "99999", "7", "", "", "")
    data.save()
    if (group is not None and not system) or group is not None:
        again = Databases(process)
        again.add_member(group, name)
        again.save()
    if ("H" not in options and not system) or ("H" not in options and system):
        make_home(process, home, uid, gid, mode=0o2755, skeleton=True)
    if "D" not in options and not system:
        process.print(f"Changing password for {name}\nNew password: \n")
        process.flush()
        process.print_error("passwd: password for " + name + " is unchanged\n")
        return 1
    return 0


def addgroup(process: Process) -> int:
    """Add a group, or an account to a group."""
    options = Options(process, "g:S", "gid=:g system:S")
    options.needs(1)
    if process.credentials.uid:
        raise process.fail("must be superuser")
    data = Databases(process)
    if len(options.operands) > 1:
        return _join(process, data, options.operands[0], options.operands[1])
    name = options.operands[0]
    if data.groups.find(name) is not None:
        raise process.fail(f"group '{name}' in use")
    taken = data.groups.numbers()
    if (text := options.value("g")) is not None:
        if not text.isdigit():
            raise process.fail(f"invalid number '{text}'")
        gid = int(text)
        if gid in taken:
            raise process.fail(f"gid '{gid}' in use")
    else:
        first, last = (100, 999) if "S" in options else (1000, _LAST)
        found = free_number(taken, first, last)
        if found is None:
            raise process.fail("no gids left")
        gid = found
    data.add_group(name, gid)
    data.save()
    return 0


def _join(process: Process, data: Databases, user: str, group: str) -> int:
    if data.users.find(user) is None:
        raise process.fail(f"unknown user {user}")
    if data.groups.find(group) is None:
        raise process.fail(f"unknown group {group}")
    data.add_member(group, user)
    data.save()
    return 0


def deluser(process: Process) -> int:
    """Remove an account, or an account from a group."""
    options = Options(process, "", "remove-home:r")
    options.needs(1)
    data = Databases(process)
    name = options.operands[0]
    line = data.users.find(name)
    if line is None:
        raise process.fail(f"unknown user {name}")
    if len(options.operands) > 1:
        return _leave(process, data, name, options.operands[1])
    data.users.remove(name)
    data.shadows.remove(name)
    data.rename_member(name, None)
    group = data.groups.find(name)
    if group is None:
        process.complain(f"can't find {name} in /etc/group")
    if group is not None and not group[3]:
        data.groups.remove(name)
        data.group_shadows.remove(name)
    data.save()
    if "r" in options:
        remove_home(process, line[5])
    return 0


def delgroup(process: Process) -> int:
    """Remove a group, or an account from a group."""
    options = Options(process, "", "")
    options.needs(1)
    data = Databases(process)
    if len(options.operands) > 1:
        return _leave(process, data, options.operands[0], options.operands[1])
    name = options.operands[0]
    line = data.groups.find(name)
    if line is None:
        raise process.fail(f"unknown group {name}")
    owner = next((user for user in data.users.lines if user[3] == line[2]), None)
    if owner is not None:
        raise process.fail(f"'{owner[0]}' still has '{name}' as their primary group!")
    data.groups.remove(name)
    data.group_shadows.remove(name)
    data.save()
    return 0


def _leave(process: Process, data: Databases, user: str, group: str) -> int:
    if data.users.find(user) is None:
        raise process.fail(f"unknown user {user}")
    if data.groups.find(group) is None:
        raise process.fail(f"unknown group {group}")
    data.drop_member(group, user)
    data.save()
    return 0
