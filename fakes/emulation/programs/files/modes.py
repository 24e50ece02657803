"""`chmod`, `chown` and `chgrp`, and modes as they are written."""

from __future__ import annotations

import re
from stat import filemode
from typing import TYPE_CHECKING

from ...accounts import Accounts
from ..options import Options, usage

if TYPE_CHECKING:
    from ...process import Process

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]|[0-7]+))+)")
_ACTION = re.compile(r"([-+=])([rwxXst]*|[ugo]|[0-7]+)(?=[-+=]|$)")


def symbolic_mode(
    text: str, mode: int, *, is_folder: bool, umask: int, sticks: bool = True
) -> int | None:
    """Return the mode that a text makes of another; `None` for what is none (chmod(1)).

    Args:
        text: octal or symbolic.
        mode: the mode before.
        is_folder: whether it is a folder's.
        umask: what is left out where nobody is named.
        sticks: whether `o+t` sets the sticky bit, which busybox's does not.
    """
    if re.fullmatch(r"[0-7]+", text):
        value = int(text, 8)
        if value > 0o7777:
            return None
        if is_folder and len(text) < 5:
            value |= mode & 0o6000
        return value
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            return None
        who = match[1]
        mask = umask if not who else 0
        if not who or "a" in who:
            who = "ugo"
        for operator, letters in _ACTION.findall(match[2]):
            mode = _apply(mode, who, operator, letters, mask, is_folder=is_folder, sticks=sticks)
    return mode


def _apply(
    mode: int, who: str, operator: str, letters: str, mask: int, *, is_folder: bool, sticks: bool
) -> int:
    shifts = {"u": 6, "g": 3, "o": 0}
    bits = 0
    affected = 0
    for one in who:
        affected |= 7 << shifts[one]
        if letters and letters in "ugo":
            bits |= (mode >> shifts[letters] & 7) << shifts[one]
            continue
        value = 0
        for letter in letters:
            value |= {"r": 4, "w": 2, "x": 1}.get(letter, 0)
            if letter == "X" and (is_folder or mode & 0o111):
                value |= 1
            if letter == "s":
                bits |= {"u": 0o4000, "g": 0o2000}.get(one, 0)
            if letter == "t" and (sticks or one == who[0] == "u"):
                bits |= 0o1000
        bits |= value << shifts[one]
    bits &= ~mask
    if operator == "+":
        return mode | bits
    if operator == "-":
        return mode & ~bits
    special = {"u": 0o4000, "g": 0o2000, "o": 0o1000}
    cleared = affected & ~mask if mask else affected
    for one in who:
        cleared |= 0 if is_folder and one != "o" else special[one]
    return (mode & ~cleared) | bits


def walk(process: Process, path: str, *, depth_first: bool = False) -> list[str]:
    """Return a path and everything below it, no link followed."""
    files = process.system.files
    below: list[str] = []
    if files.kind(process, path, follow=False) == "dir":
        try:
            names = files.names(process, path)
        except OSError:
            names = []
        for name in names:
            below += walk(process, f"{path.rstrip('/')}/{name}", depth_first=depth_first)
    return [*below, path] if depth_first else [path, *below]


def chmod(process: Process) -> int:
    """Change permission bits."""
    words = process.arguments[1:]
    modes = [word for word in words if re.fullmatch(r"-[rwxXst]+", word)]
    rest = [word for word in words if word not in modes[:1]]
    options = Options(
        process,
        "Rvfc",
        "recursive:R reference= verbose:v changes:c quiet:f silent:f preserve-root: "
        "no-preserve-root:",
        arguments=rest,
    )
    operands = options.operands
    files = process.system.files
    reference = options.value("reference")
    if reference is not None and process.system.programs.is_busybox:
        raise usage(process, "unrecognized option '--reference=" + reference + "'")
    fixed: int | None = None
    if reference is not None:
        try:
            fixed = files.status(process, reference).mode
        except OSError as error:
            raise process.fail(
                f"failed to get attributes of '{reference}': {error.strerror}"
            ) from error
        text = ""
    elif modes:
        text = modes[0]
    else:
        options.needs(1)
        text = operands.pop(0)
        if not operands:
            raise usage(
                process,
                "" if process.system.programs.is_busybox else f"missing operand after '{text}'",
            )
    if not operands:
        raise usage(process, "missing operand")
    if fixed is None and symbolic_mode(text, 0, is_folder=False, umask=0) is None:
        if process.system.programs.is_busybox:
            raise process.fail(f"invalid mode '{text}'")
        raise usage(process, f"invalid mode: '{text}'")
    status = 0
    for operand in operands:
        for path in walk(process, operand) if "R" in options else [operand]:
            status = (
                _chmod_one(process, options, path, text, fixed, is_top=path == operand) or status
            )
    return status


def _chmod_one(
    process: Process, options: Options, path: str, text: str, fixed: int | None, *, is_top: bool
) -> int:
    files = process.system.files
    busybox = process.system.programs.is_busybox
    if not is_top and files.kind(process, path, follow=False) == "symlink":
        return 0
    try:
        status = files.status(process, path)
        mode = fixed
        if mode is None:
            mode = symbolic_mode(
                text,
                status.mode,
                is_folder=status.kind == "dir",
                umask=process.umask,
                sticks=not busybox,
            )
        assert mode is not None
        files.set_mode(process, path, mode)
        if not busybox:
            _tell_mode(process, options, path, status.mode, mode)
        if re.fullmatch(r"-[rwxXst]+", text) and not busybox:
            without = symbolic_mode(text, status.mode, is_folder=status.kind == "dir", umask=0)
            if without != mode:
                return 1
    except OSError as error:
        if "f" in options:
            return 1
        if busybox:
            process.complain(f"{path}: {error.strerror}")
        elif files.kind(process, path, follow=False) == "symlink":
            process.complain(f"cannot operate on dangling symlink '{path}'")
        elif error.errno == 2 or not files.exists(process, path):
            process.complain(f"cannot access '{path}': {error.strerror}")
        else:
            process.complain(f"changing permissions of '{path}': {error.strerror}")
        return 1
    return 0


def _tell_mode(process: Process, options: Options, path: str, before: int, after: int) -> None:
    """Say what became of a mode, for `-v`, and for `-c` where it is another one."""
    old, new = (f"{mode:04o} ({filemode(mode)[1:]})" for mode in (before, after))
    if before != after and ("v" in options or "c" in options):
        process.print(f"mode of '{path}' changed from {old} to {new}\n")
    elif "v" in options:
        process.print(f"mode of '{path}' retained as {new}\n")


def chown(process: Process) -> int:
    """Change owner and group."""
    return _change_owner(process, is_group=False)


def chgrp(process: Process) -> int:
    """Change the group."""
    return _change_owner(process, is_group=True)


def parse_owner(
    process: Process, text: str, *, is_group: bool
) -> tuple[int | None, int | None] | str:
    """Read `user:group`; what is wrong with it, if it cannot be."""
    accounts = Accounts.read(process)
    if is_group:
        gid = _gid(accounts, text)
        return (None, gid) if gid is not None else f"invalid group: '{text}'"
    user, colon, group = text.partition(":")
    if not colon and "." in text and accounts.user(text) is None:
        if process.system.programs.is_busybox:
            return f"invalid user: '{text}'"
        user, colon, group = text.partition(".")
        process.complain(f"warning: '.' should be ':': '{text}'")
    uid: int | None = None
    login_gid: int | None = None
    if user:
        account = accounts.user(user)
        if account is not None:
            uid, login_gid = account.uid, account.gid
        elif user.isdigit():
            uid = int(user)
        else:
            return f"invalid user: '{text}'"
    gid = None
    if colon and group:
        gid = _gid(accounts, group)
        if gid is None:
            return f"invalid group: '{text}'"
    elif colon and user:
        if login_gid is None:
            return f"invalid spec: '{text}'"
        gid = login_gid
    return uid, gid


def _gid(accounts: Accounts, text: str) -> int | None:
    group = accounts.group(text)
    if group is not None:
        return group.gid
    return int(text) if text.isdigit() else None


def _change_owner(process: Process, *, is_group: bool) -> int:
    options = Options(
        process,
        "RhvfcHLP",
        "recursive:R no-dereference:h reference= verbose:v changes:c quiet:f silent:f from= "
        "dereference: preserve-root: no-preserve-root:",
    )
    files = process.system.files
    operands = options.operands
    reference = options.value("reference")
    busybox = process.system.programs.is_busybox
    if reference is not None:
        if busybox:
            raise usage(process, f"unrecognized option '--reference={reference}'")
        status = files.status(process, reference)
        owner: tuple[int | None, int | None] = (None if is_group else status.uid, status.gid)
        accounts = Accounts.read(process)
        user = "" if is_group else accounts.user_name(status.uid)
        spec = f"{user}:{accounts.group_name(status.gid)}"
    else:
        options.needs(1)
        text = operands.pop(0)
        if not operands:
            raise usage(process, "" if busybox else f"missing operand after '{text}'")
        found = parse_owner(process, text, is_group=is_group)
        if isinstance(found, str):
            if busybox:
                kind, _, name = found.partition(": ")
                bare = name.strip("'")
                wrong = bare if is_group or "user" in kind else bare.partition(":")[2] or bare
                if kind == "invalid user":
                    wrong = bare.partition(":")[0]
                raise process.fail(
                    f"unknown {'group' if is_group or 'group' in kind else 'user'} {wrong}"
                )
            raise process.fail(found)
        owner = found
        spec = f":{text}" if is_group else text
        if spec.endswith(":") and owner[1] is not None:
            spec += Accounts.read(process).group_name(owner[1])
    if not operands:
        raise usage(process, "missing operand")
    status_code = 0
    for operand in operands:
        for path in walk(process, operand) if "R" in options else [operand]:
            is_link = files.kind(process, path, follow=False) == "symlink"
            follow = "h" not in options and not ("R" in options and path != operand and is_link)
            if "R" in options and is_link and path != operand:
                follow = False
            try:
                before = files.status(process, path, follow=follow)
                files.set_owner(process, path, *owner, follow=follow)
                if not busybox:
                    _tell_owner(process, options, path, (before.uid, before.gid), owner, spec)
            except OSError as error:
                status_code = 1
                if "f" in options:
                    continue
                if busybox:
                    process.complain(f"{path}: {error.strerror}")
                elif error.errno == 2:
                    process.complain(f"cannot access '{path}': {error.strerror}")
                else:
                    what = "group" if is_group else "ownership"
                    process.complain(f"changing {what} of '{path}': {error.strerror}")
    return status_code


def _tell_owner(
    process: Process,
    options: Options,
    path: str,
    before: tuple[int, int],
    wanted: tuple[int | None, int | None],
    spec: str,
) -> None:
    """Say what became of an owner, for `-v`, and for `-c` where it is another one.

    Names are told as they were given, and numbers only where no name was.
    """
    accounts = Accounts.read(process)
    uid, gid = wanted
    old_user, old_group = accounts.user_name(before[0]), accounts.group_name(before[1])
    user, _, group = spec.partition(":")
    if not (user.isdigit() and (not group or group.isdigit())) and not (
        not user and group.isdigit()
    ):
        user, group = ("" if one.isdigit() else one for one in (user, group))
    what = "group" if not user and (process.name == "chgrp" or group.isdigit()) else "ownership"
    old, new = (
        (old_group, group)
        if what == "group"
        else (f"{old_user}:{old_group}", f"{user}:{group}")
        if group
        else (old_user, user)
    )
    if uid in (None, before[0]) and gid in (None, before[1]):
        if "v" in options:
            process.print(f"{what} of '{path}' retained as {old}\n")
    elif "v" in options or "c" in options:
        process.print(f"changed {what} of '{path}' from {old} to {new}\n")
