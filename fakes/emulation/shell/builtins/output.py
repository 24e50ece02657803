"""`echo` and `printf`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...programs.text.formatting import Formatter
from ..escapes import echo_text
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell


@builtin("echo")
def _echo(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    ends, escapes = True, shell.dialect.echo_escapes
    if shell.dialect.is_dash:
        if rest[:1] == ["-n"]:
            ends, rest = False, rest[1:]
    else:
        while rest and len(rest[0]) > 1 and rest[0][0] == "-" and set(rest[0][1:]) <= set("neE"):
            for letter in rest[0][1:]:
                if letter == "n":
                    ends = False
                else:
                    escapes = letter == "e"
            rest = rest[1:]
    text = " ".join(rest)
    if escapes:
        text, stopped = echo_text(text, has_hex=not shell.dialect.is_dash)
        ends = ends and not stopped
    shell.process.print(text + ("\n" if ends else ""))
    return 0


@builtin("printf")
def _printf(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    variable = None
    if shell.dialect.is_bash and len(rest) > 1 and rest[0] == "-v":
        variable, rest = rest[1], rest[2:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if rest and len(rest[0]) > 1 and rest[0][0] == "-" and not shell.dialect.is_busybox:
        if shell.dialect.is_bash:
            shell.complain(f"printf: {rest[0][:2]}: invalid option")
            shell.process.print_error("printf: usage: printf [-v var] format [arguments]\n")
        else:
            shell.complain(f"printf: Illegal option {rest[0][:2]}")
        return 2
    if not rest:
        if shell.dialect.is_dash:
            shell.complain("printf: usage: printf format [arg ...]")
        elif shell.dialect.is_bash:
            shell.process.print_error("printf: usage: printf [-v var] format [arguments]\n")
        else:
            shell.process.print_error(
                "BusyBox v1.37.0 multi-call binary.\n\nUsage: printf FORMAT [ARG]...\n"
            )
        return 2
    formatter = Formatter(
        shell.dialect.name,
        lambda message: shell.complain(f"printf: {message}"),
        shell.process.system.now,
    )
    text = formatter.format(rest[0], rest[1:])
    if variable is not None:
        from ..syntax import Text, Word

        name, _, index = variable.partition("[")
        word = Word((Text(index.rstrip("]"), is_quoted=True),)) if index else None
        shell.assign(name, text, index=word)
    else:
        shell.process.print(text)
    return formatter.status
