"""Commands that change how a shell works: `set`, `shopt`, `umask`, `ulimit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...endings import ProcessExit
from ..options import LONG_OPTIONS, OPTIONS
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell


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


@builtin("shopt", shells=("bash",))
def _shopt(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    value: bool | None = None
    is_quiet = False
    while rest and rest[0].startswith("-"):
        value = True if "s" in rest[0] else False if "u" in rest[0] else value
        is_quiet = is_quiet or "q" in rest[0]
        rest = rest[1:]
    status = 0
    for name in rest:
        if value is None:
            is_on = shell.shopt(name)
            if not is_quiet:
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
