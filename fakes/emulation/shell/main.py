"""The shells as programs: their options, and where their script comes from."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..endings import ProcessExit
from .dialect import BASH, Dialect
from .initial_variables import initial_variables
from .interpreter import Interpreter
from .options import LONG_OPTIONS, OPTIONS

if TYPE_CHECKING:
    from ..process import Main, Process


def shell_main(dialect: Dialect) -> Main:
    """Return a shell as a program."""

    def main(process: Process) -> int:
        return _run(process, dialect)

    return main


def _run(process: Process, dialect: Dialect) -> int:
    words = list(process.arguments)
    name = words.pop(0)
    options: dict[str, bool] = {}
    shopts: dict[str, bool] = {}
    is_command = reads_input = is_login = False
    while words and len(words[0]) > 1 and words[0][0] in "-+":
        word = words.pop(0)
        if word in ("--", "-"):
            break
        if word.startswith("--") and dialect.is_bash:
            if word in ("--login",):
                is_login = True
            elif word == "--posix":
                options["posix"] = True
            elif word in ("--norc", "--noprofile", "--noediting", "--verbose"):
                pass
            elif word == "--version":
                process.print("GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\n")
                return 0
            else:
                process.print_error(f"{name}: {word}: invalid option\n")
                return 2
            continue
        is_on = word[0] == "-"
        for letter in word[1:]:
            if letter == "c":
                is_command = True
            elif letter == "s":
                reads_input = True
            elif letter == "l":
                is_login = True
            elif letter in "oO" and words:
                target = options if letter == "o" else shopts
                option = words.pop(0)
                if letter == "o" and option not in LONG_OPTIONS:
                    process.print_error(f"{name}: {option}: invalid option name\n")
                    return 2
                target[option] = is_on
            elif letter in OPTIONS:
                options[OPTIONS[letter]] = is_on
            else:
                shown = f"-{letter}" if dialect.is_bash else f"Illegal option -{letter}"
                text = f"{shown}: invalid option" if dialect.is_bash else shown
                if dialect.is_dash:
                    text = f"0: {text}"
                process.print_error(f"{name}: {text}\n")
                return 2
    if is_command:
        if not words:
            message = (
                "-c: option requires an argument" if dialect.is_bash else "-c requires an argument"
            )
            process.print_error(f"{name}: {message if not dialect.is_dash else '0: ' + message}\n")
            return 2
        script = words.pop(0)
        shown = words.pop(0) if words else name
        shell = _shell(process, dialect, shown, words, is_command=True)
        shell.options.update(options)
        shell.shopts.update(shopts)
        if is_login:
            _login(shell)
        return shell.run_script(script)
    if words and not reads_input:
        return run_file(process, dialect, words[0], words[1:], options=options)
    shell = _shell(process, dialect, name, words, is_command=False)
    shell.options.update(options)
    return shell.run_input()


def _shell(
    process: Process, dialect: Dialect, name: str, positional: Sequence[str], *, is_command: bool
) -> Interpreter:
    shell = Interpreter(process, dialect, name=name, positional=positional, is_command=is_command)
    shell.variables.table.update(initial_variables(process, dialect))
    return shell


def _login(shell: Interpreter) -> None:
    files = shell.process.system.files
    if files.kind(shell.process, "/etc/profile") == "file":
        data = files.read_file(shell.process, "/etc/profile")
        shell.execute_source(data.decode("latin-1"))


def run_file(
    process: Process,
    dialect: Dialect,
    path: str,
    positional: Sequence[str],
    *,
    options: dict[str, bool] | None = None,
) -> int:
    """Do the script that a file holds."""
    shell = _shell(process, dialect, path, positional, is_command=False)
    shell.options.update(options or {})
    files = process.system.files
    shown = process.arguments[0]
    try:
        if files.kind(process, path) == "dir":
            raise OSError(errno.EISDIR, "Is a directory")
        data = files.read_file(process, path)
    except OSError as error:
        if dialect is BASH:
            text = f"{path}: {error.strerror}"
            code = 127 if error.errno == errno.ENOENT else 126
        else:
            words = "No such file or directory" if error.errno == errno.ENOENT else error.strerror
            text = (
                f"0: cannot open {path}: {words}"
                if dialect.is_dash
                else f"can't open '{path}': {words}"
            )
            code = 2
        process.print_error(f"{shown}: {text}\n")
        raise ProcessExit(code) from error
    return shell.run_script(data.decode("latin-1"))
