"""The command `sed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....endings import ProcessExit
from ...options import Options, usage
from ..expressions import ExpressionError
from .editor import Editor
from .script import ScriptError, ScriptReader

if TYPE_CHECKING:
    from ....process import Process


def sed(process: Process) -> int:
    """Edit text line by line."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "ni::e:f:Erszl:u" if not busybox else "ni::e:f:Er",
        "quiet:n silent:n in-place=?:i expression=:e file=:f regexp-extended:E separate:s "
        "null-data:z version posix: debug: follow-symlinks: unbuffered:u",
    )
    if "version" in options:
        process.print("sed (GNU sed) 4.9\n" if not busybox else "This is not GNU sed version 4.0\n")
        return 0
    operands = list(options.operands)
    script = "\n".join(_scripts(process, options, operands))
    try:
        extended = "E" in options or "r" in options
        commands = ScriptReader(script, extended=extended, is_busybox=busybox).commands()
    except (ScriptError, ExpressionError) as error:
        raise process.fail(
            f"{error}" if busybox else f"-e expression #1, char {len(script)}: {error}"
        ) from error
    return Editor(process, commands, options).run(operands)


def _scripts(process: Process, options: Options, operands: list[str]) -> list[str]:
    """Return the scripts of the options; without them, take the first operand."""
    busybox = process.system.programs.is_busybox
    pieces: list[str] = []
    for letter, value in options.given:
        if letter == "e":
            pieces.append(value)
        elif letter == "f":
            try:
                pieces.append(
                    process.system.files.read_file(process, value).decode("latin-1").rstrip("\n")
                )
            except OSError as error:
                raise process.fail(
                    f"couldn't open file {value}: {error.strerror}"
                    if not busybox
                    else f"{value}: {error.strerror}"
                ) from error
    if not pieces and not any(one in options for one in "ef"):
        if not operands:
            if busybox:
                raise usage(process)
            process.print_error(
                "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n"
            )
            raise ProcessExit(1)
        pieces.append(operands.pop(0))
    return pieces
