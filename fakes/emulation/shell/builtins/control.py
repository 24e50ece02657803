"""`eval`, `exec`, `exit`, `return`, `break`, `.`, `set`, `shift`, `trap` and their kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ... import signals
from ...endings import ProcessExit
from ..jumps import BreakLoop, ContinueLoop, FunctionReturn
from ..options import LONG_OPTIONS, OPTIONS
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


@builtin("set")
def _set(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    if not rest:
        for name in sorted(shell.variables.table):
            value = shell.variables.get(name)
            if value is not None:
                from .variables import shown_value

                shell.process.print(
                    f"{name}={shown_value(shell, value, always=not shell.dialect.is_bash)}\n"
                )
        return 0
    while rest:
        word = rest[0]
        if word == "--":
            shell.positional = rest[1:]
            return 0
        if word == "-":
            shell.options["xtrace"] = shell.options["verbose"] = False
            if len(rest) > 1:
                shell.positional = rest[1:]
            return 0
        if len(word) < 2 or word[0] not in "-+":
            shell.positional = rest
            return 0
        rest = rest[1:]
        is_on = word[0] == "-"
        for letter in word[1:]:
            if letter == "o":
                if not rest:
                    _list_options(shell, is_on)
                    continue
                name = rest.pop(0)
                if not _is_option(shell, name):
                    return _bad_option(shell, f"{word[0]}o {name}", name, long=True)
                set_option(shell, name, is_on)
            elif letter in OPTIONS or (letter in "BEHPTkpt" and shell.dialect.is_bash):
                set_option(shell, OPTIONS.get(letter, letter), is_on)
            else:
                return _bad_option(shell, word[0] + letter, letter)
    return 0


def _is_option(shell: Shell, name: str) -> bool:
    if name == "pipefail":
        return not shell.dialect.is_dash
    if name == "posix":
        return shell.dialect.is_bash
    bash_only = (
        "errtrace",
        "functrace",
        "braceexpand",
        "histexpand",
        "hashall",
        "history",
        "keyword",
        "onecmd",
        "physical",
        "privileged",
    )
    return name in LONG_OPTIONS or (shell.dialect.is_bash and name in bash_only)


def set_option(shell: Shell, name: str, is_on: bool) -> None:
    """Set an option of the shell."""
    shell.options[name] = is_on
    if name == "allexport":
        shell.variables.exports_all = is_on


def _bad_option(shell: Shell, shown: str, name: str, *, long: bool = False) -> int:
    if shell.dialect.is_bash:
        if long:
            shell.complain(f"set: {name}: invalid option name")
        else:
            shell.complain(f"set: {shown}: invalid option")
            shell.process.print_error(
                "set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n"
            )
        return 2
    if shell.dialect.is_busybox:
        shell.complain(f"set: illegal option {shown}")
        if long:
            return 1
        raise ProcessExit(2)
    shell.complain(f"set: Illegal option {shown}")
    raise ProcessExit(2)


def _list_options(shell: Shell, is_long: bool) -> None:
    names = sorted(name for name in LONG_OPTIONS if _is_option(shell, name))
    for name in names:
        is_on = bool(shell.options.get(name))
        if is_long:
            end = "\t" if shell.dialect.is_bash else " "
            shell.process.print(f"{name:<15}{end}{'on' if is_on else 'off'}\n")
        else:
            shell.process.print(f"set {'-' if is_on else '+'}o {name}\n")


@builtin("trap")
def _trap(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest or rest[0] == "-p":
        for trap, set_action in sorted(shell.traps.items(), key=_trap_order):
            shown = set_action.replace("'", "'\\''")
            label = f"SIG{trap}" if shell.dialect.is_bash and trap not in ("EXIT", "ERR") else trap
            shell.process.print(f"trap -- '{shown}' {label}\n")
        return 0
    if rest[0] == "-l" and shell.dialect.is_bash:
        return 0
    resets = len(rest) == 1 or rest[0].isdigit()
    names = rest if resets else rest[1:]
    wanted = None if resets or rest[0] == "-" else rest[0]
    status = 0
    for word in names:
        name = _trap_name(shell, word)
        if name is None:
            if shell.dialect.is_bash:
                shell.complain(f"trap: {word}: invalid signal specification")
            elif shell.dialect.is_dash:
                shell.complain(f"trap: {word}: bad trap")
            else:
                shell.complain(f"trap: {word}: invalid signal specification")
            status = 1
            continue
        shell.set_trap(name, wanted)
    return status


def _trap_order(trap: tuple[str, str]) -> int:
    return signals.NUMBERS.get(trap[0], len(signals.NAMES))


def _trap_name(shell: Shell, word: str) -> str | None:
    if shell.dialect.is_bash and word.upper() in ("ERR", "DEBUG", "RETURN"):
        return word.upper()
    if shell.dialect.is_dash and word.upper().startswith("SIG"):
        return None
    number = signals.number_of(word)
    return None if number is None or number >= len(signals.NAMES) else signals.NAMES[number]


@builtin("times")
def _times(shell: Shell, _words: list[str]) -> int:
    shell.process.print("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")
    return 0


@builtin("shopt", shells=("bash",))
def _shopt(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    value: bool | None = None
    while rest and rest[0].startswith("-"):
        value = True if rest[0] == "-s" else False if rest[0] == "-u" else value
        rest = rest[1:]
    status = 0
    for name in rest:
        if value is None:
            is_on = shell.shopt(name)
            shell.process.print(f"{name:<15}\t{'on' if is_on else 'off'}\n")
            status = status or int(not is_on)
        else:
            shell.shopts[name] = value
    return status


@builtin("umask")
def _umask(shell: Shell, words: list[str]) -> int:
    from ...programs.files.modes import symbolic_mode

    rest = words[1:]
    process = shell.process
    if not rest:
        process.print(f"{process.umask:04o}\n")
        return 0
    if rest[0] == "-S":
        letters = []
        for who, shift in (("u", 6), ("g", 3), ("o", 0)):
            bits = ~(process.umask >> shift) & 7
            letters.append(
                who + "=" + "".join(c for c, b in (("r", 4), ("w", 2), ("x", 1)) if bits & b)
            )
        process.print(",".join(letters) + "\n")
        return 0
    if rest[0].isdigit():
        try:
            process.umask = int(rest[0], 8) & 0o777
        except ValueError:
            shell.complain(
                f"umask: Illegal number: {rest[0]}"
                if not shell.dialect.is_bash
                else f"umask: {rest[0]}: octal number out of range"
            )
            return 1 if shell.dialect.is_bash else 2
        return 0
    mode = symbolic_mode(rest[0], ~process.umask & 0o777, is_folder=False, umask=0)
    if mode is None:
        shell.complain(f"umask: Illegal mode: {rest[0]}")
        return 1 if shell.dialect.is_bash else 2
    process.umask = ~mode & 0o777
    return 0


_LIMITS = {"c": "0", "n": "1048576", "s": "8192"} | dict.fromkeys("ufvtdml", "unlimited")


@builtin("ulimit")
def _ulimit(shell: Shell, words: list[str]) -> int:
    limits = shell.process.limits
    letter, value, kinds = "f", None, ""
    for word in words[1:]:
        if word.startswith("-"):
            for one in word[1:]:
                if one in "HS":
                    kinds += one
                    continue
                if one == "a":
                    for name in sorted(_LIMITS):
                        shell.process.print(f"-{name}: {limits.get(name, _LIMITS[name])}\n")
                    return 0
                letter = one
        else:
            value = word
    if letter not in _LIMITS:
        shell.complain(f"ulimit: Illegal option -{letter}")
        return 2
    # Bash counts blocks of 1,024 bytes where others count those of 512.
    blocks = 2 if shell.dialect.is_bash and letter in "cf" else 1
    if value is None:
        soft = limits.get(letter, _LIMITS[letter])
        shown = limits.get(f"H{letter}", soft) if kinds == "H" else soft
        shell.process.print(f"{int(shown) // blocks if shown.isdigit() else shown}\n")
        return 0
    if value != "unlimited" and not value.isdigit():
        shell.complain(
            "ulimit: bad number"
            if not shell.dialect.is_bash
            else f"ulimit: {value}: invalid number"
        )
        return 1
    wanted = str(int(value) * blocks) if value.isdigit() else value
    if kinds != "H":
        limits[letter] = wanted
    if kinds != "S":
        limits[f"H{letter}"] = wanted
    return 0
