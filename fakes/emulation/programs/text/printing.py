"""`echo`, `printf`, `test`, `true` and `false` as programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...shell.builtins.test import run_test
from ...shell.escapes import echo_text
from ..options import usage
from .formatting import Formatter

if TYPE_CHECKING:
    from ...process import Process


def echo(process: Process) -> int:
    """Print words."""
    rest = process.arguments[1:]
    ends, escapes = True, False
    while rest and len(rest[0]) > 1 and rest[0][0] == "-" and set(rest[0][1:]) <= set("neE"):
        for letter in rest[0][1:]:
            if letter == "n":
                ends = False
            else:
                escapes = letter == "e"
        rest = rest[1:]
    text = " ".join(rest)
    if escapes:
        text, stopped = echo_text(text)
        ends = ends and not stopped
    process.print(text + ("\n" if ends else ""))
    return 0


def printf(process: Process) -> int:
    """Print by a format."""
    rest = process.arguments[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest:
        raise usage(process, "missing operand")
    formatter = Formatter(
        "busybox" if process.system.programs.is_busybox else "gnu",
        process.complain,
        process.system.now,
    )
    process.print(formatter.format(rest[0], rest[1:]))
    return formatter.status


def test(process: Process) -> int:
    """Tell whether a condition holds."""
    return run_test(
        process, process.arguments, "busybox" if process.system.programs.is_busybox else "bash"
    )


def true(_process: Process) -> int:
    """Succeed."""
    return 0


def false(_process: Process) -> int:
    """Fail."""
    return 1
