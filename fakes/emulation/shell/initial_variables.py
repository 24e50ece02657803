"""The variables that a shell begins with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .variables import Variable

if TYPE_CHECKING:
    from ..process import Process
    from .dialect import Dialect

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def initial_variables(process: Process, dialect: Dialect) -> dict[str, Variable]:
    """Return those that the process was given, and those that the shell has by itself."""
    table = {
        name: Variable(value, is_exported=True)
        for name, value in process.environment.items()
        if _NAME.fullmatch(name)
    }
    table["IFS"] = Variable(" \t\n")
    table["PPID"] = Variable(str(process.parent.number if process.parent else 0))
    table.setdefault("PS4", Variable("+ "))
    table["OPTIND"] = Variable("1")
    working_dir = table.get("PWD")
    if working_dir is None or working_dir.value != process.working_dir:
        table["PWD"] = Variable(process.working_dir, is_exported=True)
    if "PATH" not in table:
        default = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        if dialect.is_busybox:
            default = "/sbin:/usr/sbin:/bin:/usr/bin"
        table["PATH"] = Variable(default)
    if dialect.is_busybox or dialect.is_bash:
        shlvl = table.get("SHLVL")
        level = int(shlvl.value or 0) if shlvl and (shlvl.value or "").isdecimal() else 0
        table["SHLVL"] = Variable(str(level + 1), is_exported=True)
    if dialect.is_bash:
        _add_bash_variables(table, process)
    return table


def _add_bash_variables(table: dict[str, Variable], process: Process) -> None:
    uid = str(process.credentials.uid)
    table["BASH"] = Variable("/bin/bash")
    table["BASH_VERSION"] = Variable("5.2.15(1)-release")
    table["BASH_VERSINFO"] = Variable(
        items=dict(enumerate(("5", "2", "15", "1", "release", "x86_64-pc-linux-gnu")))
    )
    table["UID"] = Variable(uid, is_read_only=True)
    table["EUID"] = Variable(uid, is_read_only=True)
    table["OSTYPE"] = Variable("linux-gnu")
    table["HOSTTYPE"] = Variable("x86_64")
    table["MACHTYPE"] = Variable("x86_64-pc-linux-gnu")
    table["HOSTNAME"] = table.get("HOSTNAME") or Variable(process.system.hostname)
    if "TERM" not in table:
        table["TERM"] = Variable("dumb")
