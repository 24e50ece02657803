"""The programs of shadow for groups: `groupadd`, `groupmod`, `groupdel`, `gpasswd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..options import Options
from .databases import next_number
from .shadow_calls import NUMBERS, SYSTEM_NUMBERS, begin, existing, is_valid_name, refuse_taken

if TYPE_CHECKING:
    from ...process import Process


def groupadd(process: Process) -> int:
    """Add a group."""
    options = Options(
        process,
        "fg:hK:op:rR:U:",
        "force:f gid=:g key=:K non-unique:o password=:p system:r users=:U",
        code=2,
    )
    name, data = begin(process, options, "/etc/group")
    if not is_valid_name(name):
        raise process.fail(f"'{name}' is not a valid group name", 3)
    if data.groups.find(name) is not None:
        if "f" in options:
            return 0
        raise process.fail(f"group '{name}' already exists", 9)
    taken = data.groups.numbers()
    text = options.value("g")
    if text is not None and not text.isdigit():
        raise process.fail(f"invalid group ID '{text}'", 3)
    if text is not None and int(text) in taken and "o" not in options:
        if "f" not in options:
            raise process.fail(f"GID '{text}' already exists", 4)
        text = None
    system = "r" in options
    first, last = SYSTEM_NUMBERS if system else NUMBERS
    gid = int(text) if text is not None else next_number(taken, first, last, downwards=system)
    data.add_group(name, gid or first)
    data.save()
    return 0


def groupmod(process: Process) -> int:
    """Change a group."""
    options = Options(
        process,
        "g:n:op:hR:",
        "gid=:g new-name=:n non-unique:o password=:p",
        code=2,
    )
    name, data = begin(process, options, "/etc/group")
    line = existing(process, data.groups, name, "group")
    if (text := options.value("g")) is not None:
        if int(text) in data.groups.numbers() and "o" not in options and text != line[2]:
            raise process.fail(f"GID '{text}' already exists", 4)
        old, line[2] = line[2], text
        for user in data.users.lines:
            if user[3] == old:
                user[3] = text
    if (new := options.value("n")) is not None:
        refuse_taken(process, data.groups, new, "group")
        shadow = data.group_shadows.find(name)
        line[0] = new
        if shadow is not None:
            shadow[0] = new
    data.save()
    return 0


def groupdel(process: Process) -> int:
    """Remove a group."""
    options = Options(process, "fhR:", "force:f", code=2)
    name, data = begin(process, options, "/etc/group")
    line = existing(process, data.groups, name, "group")
    owner = next((user for user in data.users.lines if user[3] == line[2]), None)
    if owner is not None and "f" not in options:
        raise process.fail(f"cannot remove the primary group of user '{owner[0]}'", 8)
    data.groups.remove(name)
    data.group_shadows.remove(name)
    data.save()
    return 0


def gpasswd(process: Process) -> int:
    """Change the members of a group."""
    options = Options(process, "a:d:A:M:rRQ:", "add=:a delete=:d", code=2)
    group, data = begin(process, options, "/etc/group")
    if data.groups.find(group) is None:
        raise process.fail(f"group '{group}' does not exist in /etc/group", 3)
    if (user := options.value("a")) is not None:
        if data.users.find(user) is None:
            raise process.fail(f"user '{user}' does not exist", 3)
        process.print(f"Adding user {user} to group {group}\n")
        data.add_member(group, user)
    elif (user := options.value("d")) is not None:
        process.print(f"Removing user {user} from group {group}\n")
        process.flush()
        if not data.drop_member(group, user):
            raise process.fail(f"user '{user}' is not a member of '{group}'", 3)
    data.save()
    return 0
