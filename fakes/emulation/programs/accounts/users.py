"""The programs of shadow for accounts: `useradd`, `usermod`, `userdel`, `chsh`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..files.modes import walk
from ..options import Options
from .databases import Databases, next_number
from .homes import make_home, remove_home
from .login_settings import default_of, home_mode
from .shadow_calls import (
    NUMBERS,
    SYSTEM_NUMBERS,
    begin,
    existing,
    group_names,
    group_number,
    is_valid_name,
    refuse_taken,
)
from .subordinate_ids import add_subordinate_ids, drop_subordinate_ids

if TYPE_CHECKING:
    from ...process import Process


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
    name, data = begin(process, options)
    if not is_valid_name(name) or len(name) > 32:
        raise process.fail(f"invalid user name '{name}': use --badname to ignore", 3)
    refuse_taken(process, data.users, name)
    system = "r" in options
    group_word = options.value("g")
    own_group = group_word is None and "N" not in options
    if own_group and data.groups.find(name) is not None:
        process.complain(
            f"group {name} exists - if you want to add this user to that group, use -g."
        )
        raise ProcessExit(9)
    extra = group_names(process, data, options.value("G") or "")
    first, last = SYSTEM_NUMBERS if system else NUMBERS
    taken = data.users.numbers()
    if (text := options.value("u")) is not None:
        if not text.isdigit():
            raise process.fail(f"invalid user ID '{text}'", 3)
        uid = int(text)
        if uid in taken and "o" not in options:
            raise process.fail(f"UID {uid} is not unique", 4)
    else:
        found = next_number(taken, first, last, downwards=system)
        if found is None:
            raise process.fail("Can't get unique UID", 4)
        uid = found
    if group_word is not None:
        gid = group_number(process, data, group_word)
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
        shell = default_of(process, "SHELL") or "/bin/sh"
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
        add_subordinate_ids(process, name)
    data.save()
    if "m" in options and "M" not in options:
        if process.system.files.exists(process, home):
            process.complain(f"warning: the home directory {home} already exists.")
            process.complain("Not copying any file from skel directory into it.")
        else:
            mode = home_mode(process)
            make_home(
                process,
                home,
                uid,
                gid,
                mode=0o700 if mode is None else mode or 0o755,
            )
        _mail(process, name, uid)
    return 0


def _mail(process: Process, name: str, uid: int) -> None:
    """`CREATE_MAIL_SPOOL`, which Debian leaves out by default."""
    if default_of(process, "CREATE_MAIL_SPOOL") == "yes":
        path = f"/var/mail/{name}"
        process.system.files.write_file(process, path, b"")
        process.system.files.set_owner(process, path, uid, None)


def usermod(process: Process) -> int:
    """Change an account."""
    options = Options(
        process,
        "ab:c:d:e:f:g:G:hl:Lmop:rR:s:u:Uv:w:",
        "append:a comment=:c home=:d gid=:g groups=:G login=:l lock:L move-home:m "
        "non-unique:o password=:p remove:r shell=:s uid=:u unlock:U expiredate=:e inactive=:f",
        code=2,
    )
    name, data = begin(process, options)
    line = existing(process, data.users, name)
    if (word := options.value("g")) is not None:
        line[3] = str(group_number(process, data, word))
    if (text := options.value("G")) is not None:
        wanted = group_names(process, data, text)
        for group in data.groups.lines:
            if group[0] in wanted and "r" not in options:
                data.add_member(group[0], name)
            elif (group[0] in wanted) or ("a" not in options and "r" not in options):
                data.drop_member(group[0], name)
    old_home, uid = line[5], line[2]
    if (text := options.value("u")) is not None:
        if int(text) in data.users.numbers() and "o" not in options and text != uid:
            raise process.fail(f"UID '{text}' already exists", 4)
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
        refuse_taken(process, data.users, new)
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
            raise process.fail(f"directory {line[5]} exists", 12)
        files.rename(process, old_home, line[5])
    if options.value("u") is not None and files.exists(process, line[5]):
        for path in walk(process, line[5]):
            if files.status(process, path, follow=False).uid == int(uid):
                files.set_owner(process, path, int(line[2]), None, follow=False)
    return 0


def userdel(process: Process) -> int:
    """Remove an account."""
    options = Options(process, "fhrR:Z", "force:f remove:r", code=2)
    name, data = begin(process, options)
    line = existing(process, data.users, name)
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
    drop_subordinate_ids(process, name)
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
