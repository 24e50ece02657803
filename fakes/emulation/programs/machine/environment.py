"""`env` and `printenv`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..invoking import replace
from ..options import Options

if TYPE_CHECKING:
    from ...process import Process


def env(process: Process) -> int:
    """Print variables, or run a program with others."""
    busybox = process.system.programs.is_busybox
    options = Options(
        process,
        "iu:0" + ("" if busybox else "C:S:v"),
        "ignore-environment:i unset=:u null:0 chdir=:C split-string=:S",
        code=1 if busybox else 125,
        stops=True,
    )
    environment = {} if "i" in options else dict(process.environment)
    for name in options.values("u"):
        environment.pop(name, None)
    words = list(options.operands)
    if words[:1] == ["-"]:
        environment, words = {}, words[1:]
    if (text := options.value("S")) is not None:
        words = [*text.split(), *words]
    while words and "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    if (folder := options.value("C")) is not None:
        process.working_dir = process.system.files.real_path(process, folder)
    if not words:
        end = "\0" if "0" in options else "\n"
        for name, value in environment.items():
            process.print(f"{name}={value}{end}")
        return 0
    missing = replace(process, words, environment=environment)
    reason = os.strerror(missing.error)
    if busybox:
        process.complain(f"can't execute '{words[0]}': {reason}")
    else:
        process.complain(f"'{words[0]}': {reason}")
    raise ProcessExit(missing.code)


def printenv(process: Process) -> int:
    """Print variables."""
    options = Options(process, "0", "null:0")
    if not options.operands:
        for name, value in process.environment.items():
            process.print(f"{name}={value}\n")
        return 0
    code = 0
    for name in options.operands:
        if name in process.environment:
            process.print(process.environment[name] + "\n")
        else:
            code = 1
    return code
