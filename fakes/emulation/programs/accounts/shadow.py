"""The programs of shadow: `useradd`, `usermod`, `userdel`, `groupadd` and their kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import Options
from .databases import Databases, next_number
from .homes import make_home, remove_home

if TYPE_CHECKING:
    from ...process import Process

_NAME = re.compile(r"[a-z_][a-z0-9_-]*\$?", re.I)


def _usage(process: Process, message: str = "") -> ProcessExit:
    if message:
        process.complain(message)
    process.print_error(f"Usage: {process.name} [options] LOGIN\n")
    return ProcessExit(2)


def _need_root(process: Process, path: str = "/etc/passwd") -> None:
    if process.credentials.uid:
        process.complain("Permission denied.")
        process.complain(f"cannot lock {path}; try again later.")
        raise ProcessExit(1 if path == "/etc/passwd" else 10)


def _gid_of(data: Databases, word: str) -> int | None:
    line = data.groups.find(word)
    if line is not None:
        return int(line[2])
    if word.isdigit() and int(word) in data.groups.numbers():
        return int(word)
    return None


def _group_names(process: Process, data: Databases, text: str) -> list[str]:
    names = []
    for word in [one for one in text.split(",") if one]:
        line = data.groups.find(word) or next(
            (one for one in data.groups.lines if one[2] == word), None
        )
        if line is None:
            process.complain(f"group '{word}' does not exist")
            raise ProcessExit(6)
        names.append(line[0])
    return names


def useradd(process: Process) -> int:
    """Add an account."""
    options = Options(
        process,
        "b:c:d:De:f:g:G:hk:K:lmMNop:rR:s:u:UZ:F",
        "base-dir=:b comment=:c home-dir=:d home=:d defaults:D expiredate=:e inactive=:f "
        "gid=:g groups=:G skel=:k key=:K no-log-init:l create-home:m no-create-home:M "
        "no-user-group:N non-unique:o password=:p system:r root=:R shell=:s uid=:u "
        "user-group:U",
        code=2,
    )
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process)
    name = options.operands[0]
    data = Databases(process)
    if not _NAME.fullmatch(name) or len(name) > 32:
        process.complain(f"invalid user name '{name}': use --badname to ignore")
        raise ProcessExit(3)
    if data.users.find(name) is not None:
        process.complain(f"user '{name}' already exists")
        raise ProcessExit(9)
    system = "r" in options
    group_word = options.value("g")
    own_group = group_word is None and "N" not in options
    if own_group and data.groups.find(name) is not None:
        process.complain(
            f"group {name} exists - if you want to add this user to that group, use -g."
        )
        raise ProcessExit(9)
    extra = _group_names(process, data, options.value("G") or "")
    first, last = (100, 999) if system else (1000, 60_000)
    taken = data.users.numbers()
    if (text := options.value("u")) is not None:
        if not text.isdigit():
            process.complain(f"invalid user ID '{text}'")
            raise ProcessExit(3)
        uid = int(text)
        if uid in taken and "o" not in options:
            process.complain(f"UID {uid} is not unique")
            raise ProcessExit(4)
    else:
        found = next_number(taken, first, last, downwards=system)
        if found is None:
            process.complain("Can't get unique UID")
            raise ProcessExit(4)
        uid = found
    if group_word is not None:
        gid = _gid_of(data, group_word)
        if gid is None:
            process.complain(f"group '{group_word}' does not exist")
            raise ProcessExit(6)
    elif own_group:
        gid = (
            uid
            if uid not in data.groups.numbers()
            else next_number(data.groups.numbers(), first, last, downwards=system) or uid
        )
        data.add_group(name, gid)
    else:
        gid = 100
    home = options.value("d") or f"{options.value('b') or '/home'}/{name}"
    shell = options.value("s")
    if shell is None:
        shell = _default(process, "SHELL") or "/bin/sh"
    data.users.add(name, "x", str(uid), str(gid), options.value("c") or "", home, shell)
    data.shadows.add(
        name,
        options.value("p") or "!",
        data.today,
        *(("", "", "") if system else ("0", "99999", "7")),
        options.value("f") or "",
        "",
        "",
    )
    for group in extra:
        data.add_member(group, name)
    if not system:
        _add_subordinate(process, name)
    data.save()
    if "m" in options and "M" not in options:
        if process.system.files.exists(process, home):
            process.complain(f"warning: the home directory {home} already exists.")
            process.complain("Not copying any file from skel directory into it.")
        else:
            make_home(
                process,
                home,
                uid,
                gid,
                mode=0o700 if _home_mode(process) is None else _home_mode(process) or 0o755,
            )
        _mail(process, name, uid)
    return 0


def _default(process: Process, name: str) -> str | None:
    files = process.system.files
    if files.kind(process, "/etc/default/useradd") == "file":
        text = files.read_file(process, "/etc/default/useradd").decode("latin-1")
        match = re.search(rf"^{name}=(.*)$", text, re.M)
        if match is not None:
            return match[1]
    return None


def _home_mode(process: Process) -> int | None:
    text = _login_defs(process)
    match = re.search(r"^HOME_MODE\s+([0-7]+)", text, re.M)
    if match is not None:
        return int(match[1], 8)
    match = re.search(r"^UMASK\s+([0-7]+)", text, re.M)
    return 0o777 & ~int(match[1], 8) if match is not None else None


def _login_defs(process: Process) -> str:
    files = process.system.files
    if files.kind(process, "/etc/login.defs") != "file":
        return ""
    return files.read_file(process, "/etc/login.defs").decode("latin-1")


def _mail(process: Process, name: str, uid: int) -> None:
    """`CREATE_MAIL_SPOOL`, which Debian leaves out by default."""
    if _default(process, "CREATE_MAIL_SPOOL") == "yes":
        path = f"/var/mail/{name}"
        process.system.files.write_file(process, path, b"")
        process.system.files.set_owner(process, path, uid, None)


def _add_subordinate(process: Process, name: str) -> None:
    files = process.system.files
    for path in ("/etc/subuid", "/etc/subgid"):
        if files.kind(process, path) != "file":
            continue
        before = files.read_file(process, path)
        lines = [
            line.split(":")
            for line in before.decode("latin-1").splitlines()
            if line.count(":") == 2
        ]
        if any(line[0] == name for line in lines):
            continue
        start = max((int(line[1]) + int(line[2]) for line in lines), default=100_000)
        status = files.status(process, path)
        backup = path + "-"
        if files.exists(process, backup, follow=False):
            files.remove_file(process, backup)
        files.write_file(process, backup, before)
        files.set_mode(process, backup, status.mode)
        files.set_time(process, backup, status.mtime + status.nanoseconds / 1e9)
        files.write_file(process, path, before + f"{name}:{start}:65536\n".encode())


def _drop_subordinate(process: Process, name: str) -> None:
    files = process.system.files
    for path in ("/etc/subuid", "/etc/subgid"):
        if files.kind(process, path) != "file":
            continue
        before = files.read_file(process, path)
        kept = b"".join(
            line
            for line in before.splitlines(keepends=True)
            if line.split(b":")[0] != name.encode("latin-1")
        )
        if kept != before:
            status = files.status(process, path)
            backup = path + "-"
            if files.exists(process, backup, follow=False):
                files.remove_file(process, backup)
            files.write_file(process, backup, before)
            files.set_mode(process, backup, status.mode)
            files.write_file(process, path, kept)


def usermod(process: Process) -> int:
    """Change an account."""
    options = Options(
        process,
        "ab:c:d:e:f:g:G:hl:Lmop:rR:s:u:Uv:w:",
        "append:a comment=:c home=:d gid=:g groups=:G login=:l lock:L move-home:m "
        "non-unique:o password=:p remove:r shell=:s uid=:u unlock:U expiredate=:e inactive=:f",
        code=2,
    )
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process)
    name = options.operands[0]
    data = Databases(process)
    line = data.users.find(name)
    if line is None:
        process.complain(f"user '{name}' does not exist")
        raise ProcessExit(6)
    if (word := options.value("g")) is not None:
        gid = _gid_of(data, word)
        if gid is None:
            process.complain(f"group '{word}' does not exist")
            raise ProcessExit(6)
        line[3] = str(gid)
    if (text := options.value("G")) is not None:
        wanted = _group_names(process, data, text)
        for group in data.groups.lines:
            if group[0] in wanted and "r" not in options:
                data.add_member(group[0], name)
            elif (group[0] in wanted) or ("a" not in options and "r" not in options):
                data.drop_member(group[0], name)
    old_home, uid = line[5], line[2]
    if (text := options.value("u")) is not None:
        if int(text) in data.users.numbers() and "o" not in options and text != uid:
            process.complain(f"UID '{text}' already exists")
            raise ProcessExit(4)
        line[2] = text
    for letter, column in (("c", 4), ("d", 5), ("s", 6)):
        if (text := options.value(letter)) is not None:
            line[column] = text
    shadow = data.shadows.find(name)
    if shadow is not None:
        if (text := options.value("p")) is not None:
            shadow[1] = text
        if "L" in options and not shadow[1].startswith("!"):
            shadow[1] = "!" + shadow[1]
        if "U" in options and shadow[1].startswith("!"):
            shadow[1] = shadow[1][1:]
    if (new := options.value("l")) is not None:
        if data.users.find(new) is not None:
            process.complain(f"user '{new}' already exists")
            raise ProcessExit(9)
        line[0] = new
        if shadow is not None:
            shadow[0] = new
        data.rename_member(name, new)
    data.save()
    files = process.system.files
    if (
        "m" in options
        and options.value("d")
        and files.exists(process, old_home)
        and old_home != line[5]
    ):
        parent = line[5].rpartition("/")[0] or "/"
        if not files.exists(process, parent):
            make_home(process, parent, 0, 0, mode=0o755, skeleton=False)
        if files.exists(process, line[5]):
            process.complain(f"directory {line[5]} exists")
            raise ProcessExit(12)
        files.rename(process, old_home, line[5])
    if options.value("u") is not None and files.exists(process, line[5]):
        from ..files.modes import walk

        for path in walk(process, line[5]):
            if files.status(process, path, follow=False).uid == int(uid):
                files.set_owner(process, path, int(line[2]), None, follow=False)
    return 0


def userdel(process: Process) -> int:
    """Remove an account."""
    options = Options(process, "fhrR:Z", "force:f remove:r", code=2)
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process)
    name = options.operands[0]
    data = Databases(process)
    line = data.users.find(name)
    if line is None:
        process.complain(f"user '{name}' does not exist")
        raise ProcessExit(6)
    data.users.remove(name)
    data.shadows.remove(name)
    data.rename_member(name, None)
    group = data.groups.find(name)
    if group is not None and group[2] == line[3]:
        if any(user[3] == group[2] for user in data.users.lines):
            process.complain(f"group {name} not removed because it has other members.")
        else:
            data.groups.remove(name)
            data.group_shadows.remove(name)
    _drop_subordinate(process, name)
    data.save()
    if "r" in options:
        files = process.system.files
        if not files.exists(process, f"/var/mail/{name}"):
            process.complain(f"{name} mail spool (/var/mail/{name}) not found")
        else:
            files.remove_file(process, f"/var/mail/{name}")
        if not files.exists(process, line[5]):
            process.complain(f"{name} home directory ({line[5]}) not found")
        else:
            remove_home(process, line[5])
    return 0


def groupadd(process: Process) -> int:
    """Add a group."""
    options = Options(
        process,
        "fg:hK:op:rR:U:",
        "force:f gid=:g key=:K non-unique:o password=:p system:r users=:U",
        code=2,
    )
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process, "/etc/group")
    name = options.operands[0]
    data = Databases(process)
    if not _NAME.fullmatch(name):
        process.complain(f"'{name}' is not a valid group name")
        raise ProcessExit(3)
    if data.groups.find(name) is not None:
        if "f" in options:
            return 0
        process.complain(f"group '{name}' already exists")
        raise ProcessExit(9)
    taken = data.groups.numbers()
    text = options.value("g")
    if text is not None and not text.isdigit():
        process.complain(f"invalid group ID '{text}'")
        raise ProcessExit(3)
    if text is not None and int(text) in taken and "o" not in options:
        if "f" not in options:
            process.complain(f"GID '{text}' already exists")
            raise ProcessExit(4)
        text = None
    system = "r" in options
    first, last = (100, 999) if system else (1000, 60_000)
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
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process, "/etc/group")
    name = options.operands[0]
    data = Databases(process)
    line = data.groups.find(name)
    if line is None:
        process.complain(f"group '{name}' does not exist")
        raise ProcessExit(6)
    if (text := options.value("g")) is not None:
        if int(text) in data.groups.numbers() and "o" not in options and text != line[2]:
            process.complain(f"GID '{text}' already exists")
            raise ProcessExit(4)
        old, line[2] = line[2], text
        for user in data.users.lines:
            if user[3] == old:
                user[3] = text
    if (new := options.value("n")) is not None:
        if data.groups.find(new) is not None:
            process.complain(f"group '{new}' already exists")
            raise ProcessExit(9)
        shadow = data.group_shadows.find(name)
        line[0] = new
        if shadow is not None:
            shadow[0] = new
    data.save()
    return 0


def groupdel(process: Process) -> int:
    """Remove a group."""
    options = Options(process, "fhR:", "force:f", code=2)
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process, "/etc/group")
    name = options.operands[0]
    data = Databases(process)
    line = data.groups.find(name)
    if line is None:
        process.complain(f"group '{name}' does not exist")
        raise ProcessExit(6)
    owner = next((user for user in data.users.lines if user[3] == line[2]), None)
    if owner is not None and "f" not in options:
        process.complain(f"cannot remove the primary group of user '{owner[0]}'")
        raise ProcessExit(8)
    data.groups.remove(name)
    data.group_shadows.remove(name)
    data.save()
    return 0


def gpasswd(process: Process) -> int:
    """Change the members of a group."""
    options = Options(process, "a:d:A:M:rRQ:", "add=:a delete=:d", code=2)
    if len(options.operands) != 1:
        raise _usage(process)
    _need_root(process, "/etc/group")
    group = options.operands[0]
    data = Databases(process)
    if data.groups.find(group) is None:
        process.complain(f"group '{group}' does not exist in /etc/group")
        raise ProcessExit(3)
    if (user := options.value("a")) is not None:
        if data.users.find(user) is None:
            process.complain(f"user '{user}' does not exist")
            raise ProcessExit(3)
        process.print(f"Adding user {user} to group {group}\n")
        data.add_member(group, user)
    elif (user := options.value("d")) is not None:
        process.print(f"Removing user {user} from group {group}\n")
        process.flush()
        if not data.drop_member(group, user):
            process.complain(f"user '{user}' is not a member of '{group}'")
            raise ProcessExit(3)
    data.save()
    return 0


def chsh(process: Process) -> int:
    """Change the shell of an account."""
    options = Options(process, "s:", "shell=:s")
    data = Databases(process)
    name = options.operands[0] if options.operands else "root"
    line = data.users.find(name)
    if line is None:
        raise process.fail(f"user '{name}' does not exist")
    if (shell := options.value("s")) is not None:
        line[6] = shell
    data.save()
    return 0
