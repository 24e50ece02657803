"""How one program starts another."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .lookup import Missing, find_program, run_program

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..open_files import OpenFile
    from ..process import Process


def invoke(
    process: Process,
    words: Sequence[str],
    *,
    complain: Callable[[str, str], None] | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: OpenFile | None = None,
    path: str | None = None,
) -> int:
    """Run a program, and wait for its end; its status, 126 or 127 where it cannot be run.

    Args:
        process: who starts it.
        words: its words.
        complain: told the name and the reason where it cannot be run.
        environment: its variables; those of the process when left out.
        stdin: its standard input; that of the process when left out.
        path: the folders to look in; `PATH` of its environment when left out.
    """
    child = process.fork(words)
    if environment is not None:
        child.environment = dict(environment)
    if stdin is not None:
        child.set_descriptor(0, stdin)
    found = find_program(
        child,
        words[0],
        path if path is not None else child.environment.get("PATH", "/bin:/usr/bin"),
    )
    missing = found if isinstance(found, Missing) else run_program(child, found, on_script="sh")
    if missing is not None:
        if complain is not None:
            from os import strerror

            complain(words[0], strerror(missing.error))
        child.end(missing.code)
    process.system.forget(child)
    return child.exit_code


def replace(
    process: Process, words: Sequence[str], *, environment: Mapping[str, str] | None = None
) -> Missing:
    """Run a program in place of this one (execvp); returns only where that cannot be.

    Raises:
        ProcessExit: it was run.
    """
    if environment is not None:
        process.environment = dict(environment)
    path = process.environment.get("PATH", "/bin:/usr/bin")
    found = find_program(process, words[0], path, words)
    if isinstance(found, Missing):
        return found
    process.flush()
    process.arguments = list(words)
    missing = run_program(process, found, on_script="sh", in_place=True)
    return missing or Missing(errno.ENOENT)
