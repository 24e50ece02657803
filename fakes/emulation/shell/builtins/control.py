"""Commands that change what is done next: `exit`, `return`, `eval`, `exec` and their kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..jumps import BreakLoop, ContinueLoop, FunctionReturn
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell


@builtin(":", "true")
def _true(_shell: Shell, _words: list[str]) -> int:
    return 0


@builtin("false")
def _false(_shell: Shell, _words: list[str]) -> int:
    return 1


def _number(shell: Shell, words: list[str], default: int) -> int:
    if len(words) < 2:
        return default
    text = words[1]
    if not re.fullmatch(r"\s*[-+]?\d+\s*", text) or (not shell.dialect.is_bash and "-" in text):
        if shell.dialect.is_bash:
            shell.complain(f"{words[0]}: {text}: numeric argument required")
            raise ProcessExit(2)
        shell.complain(f"{words[0]}: Illegal number: {text}")
        raise ProcessExit(2)
    return int(text)


@builtin("exit")
def _exit(shell: Shell, words: list[str]) -> int:
    raise ProcessExit(_number(shell, words, shell.status))


@builtin("return")
def _return(shell: Shell, words: list[str]) -> int:
    code = _number(shell, words, shell.status)
    raise FunctionReturn(code if shell.dialect.is_dash else code & 0xFF)


@builtin("break", "continue")
def _break(shell: Shell, words: list[str]) -> int:
    levels = _number(shell, words, 1)
    if levels < 1:
        if shell.dialect.is_bash:
            shell.complain(f"{words[0]}: {levels}: loop count out of range")
            if shell.loops:
                raise BreakLoop(1000)
            return 1
        shell.complain(f"{words[0]}: Illegal number: {words[1]}")
        raise ProcessExit(2)
    if not shell.loops:
        if shell.dialect.is_bash:
            shell.complain(f"{words[0]}: only meaningful in a `for', `while', or `until' loop")
        return 0
    raise (BreakLoop if words[0] == "break" else ContinueLoop)(levels)


@builtin("eval")
def _eval(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    source = " ".join(rest)
    if not source.strip():
        return 0
    shell.status = 0
    return shell.execute_source(source, is_nested=True, line=shell.line)


@builtin("exec")
def _exec(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    environment: dict[str, str] | None = None
    name = None
    if shell.dialect.is_bash:
        while rest and rest[0].startswith("-") and len(rest[0]) > 1:
            if rest[0] == "-c":
                environment = {}
            elif rest[0] == "-a" and len(rest) > 1:
                name = rest.pop(1)
            rest = rest[1:]
    if not rest:
        return 0
    if name is not None:
        shell.process.arguments = [name]
    return shell.replace_by(rest, environment)


@builtin(".")
@builtin("source", shells=("bash", "busybox"))
def _source(shell: Shell, words: list[str]) -> int:
    if len(words) < 2:
        shell.complain(f"{words[0]}: filename argument required")
        return 2
    path = words[1]
    files = shell.process.system.files
    if "/" not in path:
        for folder in (shell.variables.get("PATH") or "").split(":"):
            candidate = f"{folder}/{path}"
            if files.kind(shell.process, candidate) == "file":
                path = candidate
                break
    try:
        data = files.read_file(shell.process, path)
    except OSError as error:
        if shell.dialect.is_bash:
            shell.complain(
                f"{words[1]}: {error.strerror}"
                if "/" in words[1]
                else f"{words[0]}: {words[1]}: file not found"
            )
            return 1
        if shell.dialect.is_dash:
            shell.complain(
                f"{words[0]}: cannot open {words[1]}: No such file"
                if "/" in words[1]
                else f"{words[0]}: {words[1]}: not found"
            )
        else:
            shell.complain(
                f"{words[0]}: can't open '{words[1]}': No such file or directory"
                if "/" in words[1]
                else f"{words[0]}: {words[1]}: not found"
            )
        raise ProcessExit(2) from error
    positional = shell.positional
    if len(words) > 2 and not shell.dialect.is_dash:
        shell.positional = words[2:]
    shell.status = 0
    try:
        return shell.execute_source(data.decode("latin-1"))
    except FunctionReturn as ended:
        return ended.code
    finally:
        if len(words) > 2 and not shell.dialect.is_dash:
            shell.positional = positional


@builtin("shift")
def _shift(shell: Shell, words: list[str]) -> int:
    count = _number(shell, words, 1)
    if count > len(shell.positional):
        if shell.dialect.is_bash:
            return 1
        if shell.dialect.is_busybox:
            return 1
        shell.complain("shift: can't shift that many")
        raise ProcessExit(2)
    shell.positional = shell.positional[count:]
    return 0
