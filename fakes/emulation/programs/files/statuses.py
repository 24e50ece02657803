"""`stat`, `du`, `df` and `sync`."""

from __future__ import annotations

import re
import stat as modes
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ...accounts import Accounts
from ..options import Options
from .listing import human

if TYPE_CHECKING:
    from ...file_system import Status
    from ...process import Process

_KINDS = {
    "file": "regular file",
    "dir": "directory",
    "symlink": "symbolic link",
    "fifo": "fifo",
    "char": "character special file",
    "block": "block special file",
}


def stat(process: Process) -> int:
    """Tell of files."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "Lc:ftZ",
        "dereference:L format=:c printf= terse:t file-system:f",
    )
    options.needs(1)
    files = process.system.files
    code = 0
    accounts = Accounts.read(process)
    pattern = options.value("c")
    printf = options.value("printf")
    for path in options.operands:
        try:
            status = files.status(process, path, follow="L" in options)
        except OSError as error:
            process.complain(
                f"can't stat '{path}': {error.strerror}"
                if busybox
                else f"cannot statx '{path}': {error.strerror}"
            )
            code = 1
            continue
        if printf is not None:
            from ...shell.escapes import format_text

            process.print(_format(process, format_text(printf)[0], path, status, accounts))
        elif pattern is not None:
            process.print(_format(process, pattern, path, status, accounts) + "\n")
        else:
            process.print(_whole(process, path, status, accounts))
    return code


def _format(process: Process, pattern: str, path: str, status: Status, accounts: Accounts) -> str:
    def replace(match: re.Match[str]) -> str:
        text = _field(process, match[3], path, status, accounts)
        flags, width = match[1], int(match[2] or 0)
        if "-" in flags:
            return text.ljust(width)
        return text.rjust(width, "0" if "0" in flags else " ")

    return re.sub(r"%([-0#+ ]*)(\d*)(?:\.\d+)?([HL]?[a-zA-Z%])", replace, pattern)


def _moment(status: Status) -> str:
    moment = datetime.fromtimestamp(status.mtime, timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{status.nanoseconds:09d} +0000"


def _field(process: Process, letter: str, path: str, status: Status, accounts: Accounts) -> str:
    if letter == "N":
        if status.kind == "symlink":
            target = process.system.files.read_link(process, path)
            return f"'{path}' -> '{target}'"
        return f"'{path}'"
    if letter == "F":
        if status.kind == "file" and not status.size:
            return "regular empty file"
        return _KINDS[status.kind]
    return {
        "%": "%",
        "n": path,
        "s": str(status.size),
        "a": f"{status.mode:o}",
        "A": modes.filemode(status.full_mode),
        "f": f"{status.full_mode:x}",
        "u": str(status.uid),
        "g": str(status.gid),
        "U": accounts.user_name(status.uid, "UNKNOWN"),
        "G": accounts.group_name(status.gid, "UNKNOWN"),
        "Y": str(status.mtime),
        "X": str(status.mtime),
        "Z": str(status.mtime),
        "W": "0",
        "y": _moment(status),
        "x": _moment(status),
        "z": _moment(status),
        "h": str(status.links),
        "i": str(status.inode),
        "b": str(
            (status.size + 4095) // 4096 * 8
            if status.kind == "file"
            else 8
            if status.kind == "dir"
            else 0
        ),
        "B": "512",
        "o": "4096",
        "d": "50",
        "D": "32",
        "t": f"{status.device[0]:x}",
        "T": f"{status.device[1]:x}",
        "m": "/",
        "C": "?",
    }.get(letter, "?")


def _whole(process: Process, path: str, status: Status, accounts: Accounts) -> str:
    shown = _field(process, "N", path, status, accounts) if status.kind == "symlink" else path
    moment = _moment(status)
    owner = f"({status.uid:5d}/{accounts.user_name(status.uid, 'UNKNOWN'):>8})"
    group = f"({status.gid:5d}/{accounts.group_name(status.gid, 'UNKNOWN'):>8})"
    kind = _field(process, "F", path, status, accounts)
    blocks = _field(process, "b", path, status, accounts)
    return (
        f"  File: {shown}\n"
        f"  Size: {status.size:<10}\tBlocks: {blocks:<10} IO Block: 4096   {kind}\n"
        f"Device: 0,50\tInode: {status.inode:<10}  Links: {status.links}\n"
        f"Access: ({status.mode:04o}/{modes.filemode(status.full_mode)})  "
        f"Uid: {owner}   Gid: {group}\n"
        f"Access: {moment}\nModify: {moment}\nChange: {moment}\n Birth: -\n"
    )


def du(process: Process) -> int:
    """Add up what is below folders."""
    options = Options(
        process,
        "sahkmbcd:xLlH0",
        "summarize:s all:a human-readable:h bytes:b max-depth=:d apparent-size:apparent "
        "total:c exclude=",
    )
    code = 0
    total = 0
    for operand in options.operands or ["."]:
        if not process.system.files.exists(process, operand, follow=False):
            process.complain(
                f"{operand}: No such file or directory"
                if process.system.programs.is_busybox
                else f"cannot access '{operand}': No such file or directory"
            )
            code = 1
            continue
        total += _used(process, options, operand, 0)
    if "c" in options:
        process.print(f"{_shown(options, total)}\ttotal\n")
    return code


def _used(process: Process, options: Options, path: str, depth: int) -> int:
    files = process.system.files
    status = files.status(process, path, follow=False)
    exact = "b" in options or "apparent" in options
    if status.kind == "dir":
        size = 4096
        for name in files.names(process, path):
            size += _used(process, options, f"{path.rstrip('/')}/{name}", depth + 1)
    else:
        size = (
            status.size
            if exact
            else (status.size + 4095) // 4096 * 4096
            if status.kind == "file"
            else 0
        )
    deepest = 0 if "s" in options else options.number("d", 1 << 30)
    if depth <= deepest and (status.kind == "dir" or "a" in options or depth == 0):
        process.print(f"{_shown(options, size)}\t{path}\n")
    return size


def _shown(options: Options, size: int) -> str:
    if "h" in options:
        return human(size)
    if "b" in options:
        return str(size)
    if "m" in options:
        return str(-(-size // (1 << 20)))
    return str(-(-size // 1024))


def df(process: Process) -> int:
    """Tell of file systems: one, with room."""
    process.print("Filesystem     1K-blocks     Used Available Use% Mounted on\n")
    process.print("overlay        102400000 51200000  51200000  50% /\n")
    return 0


def sync(_process: Process) -> int:
    """Write what is buffered."""
    return 0
