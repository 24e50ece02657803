"""Debian's `adduser`, `addgroup`, `deluser` and `delgroup` (adduser 3.134)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import Options
from .databases import Databases, free_number
from .homes import make_home, remove_home
from .subordinate_ids import add_subordinate_ids, drop_subordinate_ids

if TYPE_CHECKING:
    from ...process import Process

_LOCK = "/run/adduser"
_NO_CRON = "`/usr/bin/crontab' not executed. Skipping crontab removal. Package `cron' required."
_LONG = (
    "system home= shell= no-create-home:no-home uid= gid= firstuid=: lastuid=: firstgid=: "
    "lastgid=: ingroup= group disabled-password:disabled disabled-login gecos= "
    "comment=:gecos quiet:q force-badname: allow-badname: allow-bad-names: conf=: debug: "
    "verbose: remove-home remove-all-files:remove-home backup: only-if-empty add_extra_groups: "
    "encrypt-home: allow-all-names:"
)


def _say(process: Process, options: Options, text: str) -> None:
    if "q" not in options:
        process.print(text + "\n")
        process.flush()


def _fatal(process: Process, text: str, code: int = 1) -> ProcessExit:
    process.flush()
    process.print_error(f"{process.name}: {text}\n")
    return ProcessExit(code)


def _lock(process: Process, doing: str = "add") -> None:
    """Take the lock of these tools, whose file stays."""
    if process.credentials.uid:
        what = "a user or group to" if doing == "add" else "a user or group from"
        raise _fatal(process, f"Only root may {doing} {what} the system.")
    files = process.system.files
    if files.kind(process, "/run") == "dir" and not files.exists(process, _LOCK):
        files.write_file(process, _LOCK, b"")


def adduser(process: Process) -> int:
    """Add an account, or an account to a group."""
    options = Options(process, "qhv", _LONG)
    _lock(process)
    if "group" in options and "system" not in options:
        return _add_group(process, options)
    operands = options.operands
    if not operands:
        raise _fatal(process, "Only one or two names allowed.")
    data = Databases(process)
    name = operands[0]
    if len(operands) == 2:
        return _join(process, options, data, name, operands[1])
    if len(operands) > 2:
        raise _fatal(process, "Only one or two names allowed.")
    system = "system" in options
    existing = data.users.find(name)
    if existing is not None:
        if system and 100 <= int(existing[2]) <= 999:
            _say(process, options, f"The system user `{name}' already exists. Exiting.")
            return 0
        raise _fatal(
            process,
            f"The user `{name}' already exists"
            + (", but is not a system user. Exiting." if system else "."),
        )
    return (
        _add_system(process, options, data, name)
        if system
        else _add_user(process, options, data, name)
    )


def _add_system(process: Process, options: Options, data: Databases, name: str) -> int:
    wanted = options.value("uid")
    uid = int(wanted) if wanted else free_number(data.users.numbers(), 100, 999)
    if uid is None:
        raise _fatal(process, "No UID is available in the range 100-999.")
    if wanted and uid in data.users.numbers():
        raise _fatal(process, f"The UID {uid} is already in use.")
    new_gid = options.value("gid") or wanted
    if "group" in options and new_gid and int(new_gid) in data.groups.numbers():
        raise _fatal(process, f"The GID {new_gid} is already in use.")
    home = options.value("home") or "/nonexistent"
    shell = options.value("shell") or "/usr/sbin/nologin"
    _say(process, options, f"Adding system user `{name}' (UID {uid}) ...")
    group_name = "nogroup"
    if "group" in options:
        group_name = name
        if data.groups.find(name) is None:
            gid = int(new_gid) if new_gid else free_number(data.groups.numbers(), 100, 999) or uid
            _say(process, options, f"Adding new group `{name}' (GID {gid}) ...")
            data.add_group(name, gid)
    elif (word := options.value("ingroup")) is not None:
        group_name = word
    elif (word := options.value("gid")) is not None:
        line = next((one for one in data.groups.lines if one[2] == word), None)
        if line is None:
            raise _fatal(process, f"The GID {word} does not exist.")
        group_name = line[0]
    line = data.groups.find(group_name)
    if line is None:
        raise _fatal(process, f"The group `{group_name}' does not exist.")
    gid = int(line[2])
    _say(process, options, f"Adding new user `{name}' (UID {uid}) with group `{group_name}' ...")
    data.users.add(name, "x", str(uid), str(gid), "", home, shell)
    data.shadows.add(name, "!", data.today, "", "", "", "", "", "")
    data.save()
    if (gecos := options.value("gecos")) is not None:
        _change_comment(process, name, gecos)
    if "no-home" in options or home == "/nonexistent":
        _say(
            process,
            options,
            f"Not creating `{home}'."
            if home == "/nonexistent"
            else f"Not creating home directory `{home}'.",
        )
    elif process.system.files.exists(process, home):
        _say(
            process,
            options,
            f"warning: The home directory `{home}' already exists.",
        )
    else:
        _say(process, options, f"Creating home directory `{home}' ...")
        make_home(process, home, uid, gid, mode=0o755, skeleton=False)
    return 0


def _change_comment(process: Process, name: str, gecos: str) -> None:
    """Set the fields of a name as `chfn` does, in a change of its own."""
    users = Databases(process).users
    line = users.find(name)
    if line is not None:
        line[4] = gecos + "," * (3 - gecos.count(","))
        users.save()


def _ask_nobody(process: Process, name: str) -> None:
    """Ask for the parts of a name as `chfn` does, when nobody is there to answer."""
    parts = ("Full Name", "Room Number", "Work Phone", "Home Phone", "Other")
    asked = "".join(f"\t{part} []: " for part in parts)
    process.print(f"Changing the user information for {name}\n")
    process.print(f"Enter the new value, or press ENTER for the default\n{asked}")
    process.print("Is the information correct? [Y/n] ")
    process.flush()
    undefined = "Use of uninitialized value $answer in"
    for place in ("chop at line 766", "pattern match (m//) at line 767"):
        process.print_error(f"{undefined} {place}.\n")


def _add_user(process: Process, options: Options, data: Databases, name: str) -> int:
    both = data.users.numbers() | data.groups.numbers()
    wanted = options.value("uid")
    uid = int(wanted) if wanted else free_number(both, 1000, 59_999)
    if uid is None:
        raise _fatal(process, "No UID/GID pair is available in the range 1000-59999.")
    if wanted and uid in data.users.numbers():
        raise _fatal(process, f"The UID {uid} is already in use.")
    _say(process, options, f"Adding user `{name}' ...")
    group_name = name
    if (word := options.value("ingroup") or options.value("gid")) is not None:
        line = data.groups.find(word) or next(
            (one for one in data.groups.lines if one[2] == word), None
        )
        if line is None:
            raise _fatal(process, f"The group `{word}' does not exist.")
        group_name, gid = line[0], int(line[2])
    else:
        if data.groups.find(name) is not None:
            raise _fatal(process, f"The group `{name}' already exists.")
        gid = (
            uid
            if uid not in data.groups.numbers()
            else free_number(data.groups.numbers(), 1000, 59_999) or uid
        )
        _say(process, options, f"Adding new group `{name}' ({gid}) ...")
        data.add_group(name, gid)
    shown = f"({uid})"
    _say(
        process, options, f"Adding new user `{name}' {shown} with group `{group_name} ({gid})' ..."
    )
    home = options.value("home") or f"/home/{name}"
    gecos = options.value("gecos")
    usual = "/usr/sbin/nologin" if "disabled-login" in options else "/bin/bash"
    data.users.add(name, "x", str(uid), str(gid), "", home, options.value("shell") or usual)
    data.shadows.add(name, "!", data.today, "0", "99999", "7", "", "", "")
    add_subordinate_ids(process, name)
    data.save()
    if "no-home" in options:
        _say(process, options, f"Not creating `{home}'.")
    elif process.system.files.exists(process, home):
        _say(process, options, f"warning: The home directory `{home}' already exists.")
    else:
        _say(process, options, f"Creating home directory `{home}' ...")
        make_home(process, home, uid, gid, mode=0o700, keep_times=False)
        if process.system.files.kind(process, "/etc/skel") == "dir":
            _say(process, options, "Copying files from `/etc/skel' ...")
    if gecos is None:
        _ask_nobody(process, name)
    _change_comment(process, name, gecos or "")
    again = Databases(process)
    if again.groups.find("users") is not None:
        _say(
            process, options, f"Adding new user `{name}' to supplemental / extra groups `users' ..."
        )
        _say(process, options, f"Adding user `{name}' to group `users' ...")
        again.add_member("users", name)
        again.save()
    return 0


def addgroup(process: Process) -> int:
    """Add a group, or an account to a group."""
    options = Options(process, "qhv", _LONG)
    _lock(process)
    if len(options.operands) == 2:
        return _join(process, options, Databases(process), options.operands[0], options.operands[1])
    return _add_group(process, options)


def _add_group(process: Process, options: Options) -> int:
    if len(options.operands) != 1:
        raise _fatal(process, "Only one or two names allowed.")
    name = options.operands[0]
    data = Databases(process)
    system = "system" in options
    line = data.groups.find(name)
    if line is not None:
        if system and 100 <= int(line[2]) <= 999:
            _say(process, options, f"The group `{name}' already exists as a system group. Exiting.")
            return 0
        raise _fatal(
            process,
            f"The group `{name}' already exists"
            + (" and is not a system group. Exiting." if system else "."),
        )
    first, last = (100, 999) if system else (1000, 59_999)
    wanted = options.value("gid")
    gid = int(wanted) if wanted else free_number(data.groups.numbers(), first, last)
    if gid is None:
        raise _fatal(process, f"No GID is available in the range {first}-{last}.")
    if wanted and gid in data.groups.numbers():
        raise _fatal(process, f"The GID `{gid}' is already in use.")
    _say(process, options, f"Adding group `{name}' (GID {gid}) ...")
    data.add_group(name, gid)
    data.save()
    _say(process, options, "Done.")
    return 0


def _join(process: Process, options: Options, data: Databases, user: str, group: str) -> int:
    if data.users.find(user) is None:
        raise _fatal(process, f"The user `{user}' does not exist.")
    if data.groups.find(group) is None:
        raise _fatal(process, f"The group `{group}' does not exist.")
    line = data.groups.find(group) or []
    if user in line[3].split(","):
        process.flush()
        process.complain(f"The user `{user}' is already a member of `{group}'.")
        return 0
    _say(process, options, f"Adding user `{user}' to group `{group}' ...")
    data.add_member(group, user)
    data.save()
    _say(process, options, "Done.")
    return 0


def deluser(process: Process) -> int:
    """Remove an account, or an account from a group."""
    options = Options(process, "qhv", _LONG)
    _lock(process, "remove")
    operands = options.operands
    if not operands:
        raise _fatal(process, "Only one or two names allowed.")
    data = Databases(process)
    name = operands[0]
    line = data.users.find(name)
    if len(operands) == 2:
        if line is None:
            raise _fatal(process, f"The user `{name}' does not exist.")
        _say(process, options, f"Removing user `{name}' from group `{operands[1]}' ...")
        if not data.drop_member(operands[1], name):
            raise _fatal(process, f"The user `{name}' is not a member of group `{operands[1]}'.", 6)
        data.save()
        _say(process, options, "Done.")
        return 0
    if line is None:
        raise _fatal(process, f"The user `{name}' does not exist.", 2)
    _remove(process, options, data, name, line)
    return 0


def _remove(
    process: Process, options: Options, data: Databases, name: str, line: list[str]
) -> None:
    if "remove-home" in options:
        _say(process, options, "Looking for files to backup/remove ...")
        _say(process, options, "Removing files ...")
        remove_home(process, line[5])
    process.flush()
    process.complain(_NO_CRON)
    _say(process, options, f"Removing user `{name}' ...")
    data.users.remove(name)
    data.shadows.remove(name)
    data.rename_member(name, None)
    group = data.groups.find(name)
    if group is not None and group[2] == line[3]:
        data.groups.remove(name)
        data.group_shadows.remove(name)
    drop_subordinate_ids(process, name)
    data.save()
    _say(process, options, "Done.")


def delgroup(process: Process) -> int:
    """Remove a group, or an account from a group."""
    options = Options(process, "qhv", _LONG)
    if len(options.operands) == 2:
        return deluser(process)
    _lock(process, "remove")
    if not options.operands:
        raise _fatal(process, "Only one or two names allowed.")
    name = options.operands[0]
    data = Databases(process)
    line = data.groups.find(name)
    if line is None:
        raise _fatal(process, f"The group `{name}' does not exist.", 3)
    _say(process, options, f"Removing group `{name}' ...")
    owner = next((user for user in data.users.lines if user[3] == line[2]), None)
    if owner is not None:
        process.flush()
        process.print_error(f"groupdel: cannot remove the primary group of user '{owner[0]}'\n")
        raise _fatal(process, f"`/sbin/groupdel {name}' returned error code 8. Exiting.")
    data.groups.remove(name)
    data.group_shadows.remove(name)
    data.save()
    _say(process, options, "Done.")
    return 0
