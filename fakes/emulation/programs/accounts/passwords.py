"""`chpasswd` and `passwd`."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ..options import Options
from .databases import Databases

if TYPE_CHECKING:
    from ...process import Process


def _hashed(text: str) -> str:
    """A hash that nobody logs in by: the double keeps no password, not even as a real hash."""
    return "$6$double$" + hashlib.sha512(text.encode("latin-1")).hexdigest()[:86]


def chpasswd(process: Process) -> int:
    """Set the passwords that standard input names."""
    options = Options(process, "ec:mR:s:", "encrypted:e crypt-method=:c md5:m")
    data = Databases(process)
    busybox = process.system.programs.is_busybox
    code = 0
    for number, line in enumerate(process.read_all().decode("latin-1").splitlines(), 1):
        name, colon, password = line.partition(":")
        if not colon:
            process.complain(
                f"line {number}: missing new password" if not busybox else "missing new password"
            )
            return 1
        if data.users.find(name) is None:
            if busybox:
                raise process.fail(f"unknown user {name}")
            if "e" in options:
                process.complain(f"line {number}: user '{name}' does not exist")
                process.complain("error detected, changes ignored")
                return 1
            process.complain(
                f"(user {name}) pam_chauthtok() failed, error:\n"
                "Authentication token manipulation error"
            )
            process.complain(f"(line {number}, user {name}) password not changed")
            code = 1
            continue
        shadow = data.shadows.find(name)
        value = password if "e" in options else _hashed(password)
        if shadow is not None:
            shadow[1] = value
            shadow[2] = data.today
        else:
            line_of = data.users.find(name)
            assert line_of is not None
            line_of[1] = value
        if busybox:
            process.print_error("")
    data.save()
    return code


def _status(shadow: list[str] | None) -> str:
    """Return what `passwd -S` tells of a password: whether it can be used, and for how long."""
    if shadow is None:
        return "P"
    kind = "NP" if not shadow[1] else "L" if shadow[1][0] in "!*" else "P"
    day = date(1970, 1, 1) + timedelta(days=int(shadow[2] or 0))
    ages = [shadow[column] or "-1" for column in (3, 4, 5, 6)]
    return f"{kind} {day} {' '.join(ages)}"


def passwd(process: Process) -> int:
    """Lock, unlock or empty a password."""
    options = Options(process, "dlueSa", "delete:d lock:l unlock:u status:S")
    data = Databases(process)
    name = options.operands[0] if options.operands else "root"
    if data.users.find(name) is None:
        raise process.fail(
            f"user '{name}' does not exist"
            if not process.system.programs.is_busybox
            else f"unknown user {name}"
        )
    shadow = data.shadows.find(name)
    if "S" in options and not process.system.programs.is_busybox:
        process.print(f"{name} {_status(shadow)}\n")
        return 0
    if shadow is not None:
        if "d" in options:
            shadow[1] = ""
        elif "l" in options and not shadow[1].startswith("!"):
            shadow[1] = "!" + shadow[1]
        elif "u" in options and shadow[1].startswith("!"):
            shadow[1] = shadow[1][1:]
    data.save()
    if not process.system.programs.is_busybox:
        process.print("passwd: password changed.\n")
    return 0
