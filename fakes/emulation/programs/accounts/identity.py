"""`id`, `whoami`, `groups`, `logname` and `getent`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...accounts import Account, Accounts, Group
from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process


def _ids(
    process: Process, accounts: Accounts, name: str | None
) -> tuple[int, int, list[int]] | None:
    if name is None:
        mine = process.credentials
        groups = list(dict.fromkeys((mine.gid, *mine.groups)))
        return mine.uid, mine.gid, groups
    account = accounts.user(name) or (accounts.user(int(name)) if name.isdigit() else None)
    if account is None:
        return None
    return (
        account.uid,
        account.gid,
        list(dict.fromkeys((account.gid, *accounts.groups_of(account.name)))),
    )


def identity(process: Process) -> int:
    """Print who somebody is."""
    options = Options(
        process,
        "ugGnraZz",
        "user:u group:g groups:G name:n real:r zero:z",
    )
    accounts = Accounts.read(process)
    code = 0
    names: list[str | None] = [*options.operands] or [None]
    for name in names:
        found = _ids(process, accounts, name)
        if found is None:
            busybox = process.system.programs.is_busybox
            process.complain(f"unknown user {name}" if busybox else f"'{name}': no such user")
            code = 1
            continue
        uid, gid, groups = found
        named = "n" in options
        if "u" in options:
            text, missing = _one(accounts.user_name(uid, "") if named else str(uid), uid, named)
            code = _missing(process, missing, "user", uid) or code
        elif "g" in options:
            text, missing = _one(accounts.group_name(gid, "") if named else str(gid), gid, named)
            code = _missing(process, missing, "group", gid) or code
        elif "G" in options:
            text = " ".join(accounts.group_name(one) if named else str(one) for one in groups)
        else:
            shown = ",".join(_with_name(one, accounts.group_name(one, "")) for one in groups)
            user = _with_name(uid, accounts.user_name(uid, ""))
            group = _with_name(gid, accounts.group_name(gid, ""))
            text = f"uid={user} gid={group} groups={shown}"
        process.print(text + "\n")
    return code


def _one(name: str, number: int, named: bool) -> tuple[str, bool]:
    return (name or str(number)), named and not name


def _missing(process: Process, missing: bool, kind: str, number: int) -> int:
    if not missing:
        return 0
    if process.system.programs.is_busybox:
        process.complain(f"unknown ID {number}")
    else:
        process.complain(f"cannot find name for {kind} ID {number}")
    return 1


def _with_name(number: int, name: str) -> str:
    return f"{number}({name})" if name else str(number)


def whoami(process: Process) -> int:
    """Print the name of the account."""
    Options(process, "", "")
    uid = process.credentials.uid
    account = Accounts.read(process).user(uid)
    if account is None:
        if process.system.programs.is_busybox:
            raise process.fail(f"unknown uid {uid}")
        raise process.fail(f"cannot find name for user ID {uid}")
    process.print(account.name + "\n")
    return 0


def groups(process: Process) -> int:
    """Print the groups of accounts."""
    options = Options(process, "", "")
    accounts = Accounts.read(process)
    code = 0
    names: list[str | None] = [*options.operands] or [None]
    for name in names:
        found = _ids(process, accounts, name)
        if found is None:
            process.complain(
                f"unknown user {name}"
                if process.system.programs.is_busybox
                else f"'{name}': no such user"
            )
            code = 1
            continue
        text = " ".join(accounts.group_name(one) for one in found[2])
        prefix = f"{name} : " if name is not None and not process.system.programs.is_busybox else ""
        process.print(f"{prefix}{text}\n")
    return code


def logname(process: Process) -> int:
    """Print the name of the login, which a container has none of."""
    raise process.fail("no login name")


def getent(process: Process) -> int:
    """Print entries of databases."""
    options = Options(process, "s:i", "")
    if not options.operands:
        raise usage(process, "wrong number of arguments", 1)
    database, *keys = options.operands
    accounts = Accounts.read(process)
    if database == "passwd":
        users = (
            accounts.users
            if not keys
            else [accounts.user(int(key) if key.isdigit() else key) for key in keys]
        )
        return _entries(process, [None if one is None else user_line(one) for one in users])
    if database == "group":
        found = (
            accounts.groups
            if not keys
            else [accounts.group(int(key) if key.isdigit() else key) for key in keys]
        )
        return _entries(process, [None if one is None else group_line(one) for one in found])
    if database in ("hosts", "ahosts", "services", "protocols", "networks", "shadow", "gshadow"):
        return _from_file(
            process,
            f"/etc/{'hosts' if database == 'ahosts' else database}",
            keys,
        )
    process.print_error(
        f"Unknown database: {database}\n"
        "Try `getent --help' or `getent --usage' for more information.\n"
    )
    return 1


def _from_file(process: Process, path: str, keys: list[str]) -> int:
    try:
        text = process.system.files.read_file(process, path).decode("latin-1")
    except OSError:
        return 2 if keys else 0
    code = 0
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    rows = [row for row in lines if row]
    if not keys:
        for row in rows:
            process.print(f"{row[0]:<15} {' '.join(row[1:])}\n")
        return 0
    for key in keys:
        matching = [row for row in rows if key in row]
        for row in matching[:1]:
            process.print(f"{row[0]:<15} {' '.join(row[1:])}\n")
        code = code if matching else 2
    return code


def _entries(process: Process, lines: list[str | None]) -> int:
    for line in lines:
        if line is not None:
            process.print(line + "\n")
    return 2 if None in lines else 0


def user_line(account: Account) -> str:
    """Return an account as a line of /etc/passwd."""
    numbers = f"{account.uid}:{account.gid}"
    return f"{account.name}:x:{numbers}:{account.comment}:{account.home}:{account.shell}"


def group_line(group: Group) -> str:
    """Return a group as a line of /etc/group."""
    return f"{group.name}:x:{group.gid}:{','.join(group.members)}"
