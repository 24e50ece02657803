"""`su` and `nologin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...accounts import Accounts
from ..invoking import invoke
from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def su(process: Process) -> int:
    """Run a shell, or a command, as somebody else."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "c:s:lmpfP",
        "command=:c shell=:s login:l preserve-environment:m fast:f session-command=:c",
    )
    operands = list(options.operands)
    login = "l" in options
    if operands[:1] == ["-"]:
        login, operands = True, operands[1:]
    name = operands.pop(0) if operands else "root"
    if operands[:1] == ["-"]:
        login, operands = True, operands[1:]
    accounts = Accounts.read(process)
    account = accounts.user(name)
    if account is None:
        if busybox:
            raise process.fail(f"unknown user {name}")
        raise process.fail(
            f"user {name} does not exist or the user entry does not contain all the required fields"
        )
    if process.credentials.uid:
        if busybox:
            raise process.fail("must be suid to work properly")
        process.print_error("Password: ")
        raise process.fail("Authentication failure")
    shell = options.value("s") or account.shell or "/bin/sh"
    keeps = "m" in options or "p" in options
    child = process.fork()
    lacks = process.credentials.lacks
    child.credentials = accounts.credentials(account)._replace(lacks=lacks)
    environment = {} if login and not keeps else dict(process.environment)
    if not keeps:
        environment["HOME"] = account.home
        environment["SHELL"] = shell
        if account.uid or login:
            environment["USER"] = environment["LOGNAME"] = account.name
        elif not busybox:
            environment.setdefault("USER", account.name)
            environment.setdefault("LOGNAME", account.name)
    if login:
        environment["PATH"] = (
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            if not account.uid
            else "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
        )
        if process.system.files.kind(process, account.home) == "dir":
            child.working_dir = account.home
    elif not busybox and not keeps:
        environment["PATH"] = environment.get("PATH", "")
    command = options.value("c")
    words = [shell, *(["-c", command] if command is not None else []), *operands]

    def work() -> int:
        child.environment = environment
        return invoke(
            child,
            words,
            complain=lambda path, reason: process.complain(
                f"can't execute '{path}': {reason}"
                if busybox
                else f"failed to execute {path}: {reason}"
            ),
        )

    code = child.run(work)
    process.system.forget(child)
    return code


def nologin(process: Process) -> int:
    """Refuse a login."""
    process.print("This account is currently not available.\n")
    return 1
