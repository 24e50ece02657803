"""Which programs a tree of files has, and why one cannot be started."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..emulation import process as emulated
from ..emulation.credentials import Credentials
from ..emulation.file_system import EXECUTE, FileSystem
from ..emulation.programs.lookup import Missing
from ..emulation.programs.table import make_programs
from ..emulation.system import System
from .machines import StartRefusal
from .program_files import PROGRAM

if TYPE_CHECKING:
    from ..emulation.process import Programs


_SHELLS = ("bin/sh", "usr/bin/sh")


def refusal_of(shown: str, missing: Missing) -> StartRefusal:
    """Return why a runtime does not start a command whose program is missing, as it shows it."""
    if missing.is_folder:
        return StartRefusal(f'exec: "{shown}": is a directory: permission denied', 126)
    if missing.error == errno.EACCES:
        return StartRefusal(f'exec: "{shown}": permission denied', 126)
    return StartRefusal.of_missing(shown)


def reason_of(error: int) -> str:
    """Return the words of the kernel for an error."""
    return "permission denied" if error == errno.EACCES else "no such file or directory"


def programs_of(files: FileSystem, now: Callable[[], float]) -> tuple[Programs, bool]:
    """Return the programs of a tree, and whether they are all that there are.

    They are not where the double made them up: then everything else may be there, too.
    """
    system = System(files, make_programs(is_busybox=False), now=now)
    looker = emulated.Process(
        system, 0, [""], environment={}, credentials=Credentials(), working_dir="/"
    )
    shell = ""
    for path in _SHELLS:
        with suppress(OSError):
            if files.may(looker, f"/{path}", EXECUTE):
                shell = files.real_path(looker, f"/{path}")
                break
    is_busybox = files.kind(looker, "/bin/busybox") == "file"
    programs = make_programs(is_busybox=is_busybox)
    programs.need_no_files = not shell
    is_made_up = not shell or files.node(looker, shell).read(0, len(PROGRAM)) == PROGRAM
    return programs, not is_made_up
