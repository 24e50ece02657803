"""`hostname`, `uname`, `nproc` and others that tell of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lookup import Found, find_program
from ..options import Options

if TYPE_CHECKING:
    from ...process import Process

_UNAME = {
    "s": "Linux",
    "r": "6.1.0",
    "v": "#1 SMP",
    "m": "x86_64",
    "o": "GNU/Linux",
    "p": "unknown",
    "i": "unknown",
}


def hostname(process: Process) -> int:
    """Print the name of the host."""
    options = Options(process, "sfidF:", "")
    if options.operands:
        if process.system.programs.is_busybox:
            raise process.fail("sethostname: Operation not permitted")
        raise process.fail("you must be root to change the host name")
    if "d" in options:
        process.print("\n")
        return 0
    process.print(process.system.hostname + "\n")
    return 0


def uname(process: Process) -> int:
    """Print what system it is."""
    options = Options(
        process,
        "asnrvmpio",
        "all:a kernel-name:s nodename:n kernel-release:r machine:m operating-system:o",
    )
    values = {**_UNAME, "n": process.system.hostname}
    if "a" in options:
        letters = "snrvmo"
    else:
        letters = "".join(one for one in "snrvmpio" if one in options) or "s"
    process.print(" ".join(values[letter] for letter in letters) + "\n")
    return 0


def arch(process: Process) -> int:
    """Print the kind of processor."""
    process.print("x86_64\n")
    return 0


def nproc(process: Process) -> int:
    """Print how many processors there are."""
    process.print("2\n")
    return 0


def tty(process: Process) -> int:
    """Tell whether standard input is a terminal."""
    opened = process.descriptors.get(0)
    if opened is not None and opened.is_terminal:
        process.print("/dev/pts/0\n")
        return 0
    process.print("not a tty\n")
    return 1


def which(process: Process) -> int:
    """Print where programs are."""
    options = Options(process, "as", "")
    code = 0
    for name in options.operands:
        found = find_program(process, name, process.environment.get("PATH"))
        if isinstance(found, Found):
            process.print(found.path + "\n")
        else:
            code = 1
    return code
