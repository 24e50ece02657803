"""`trap` and `times`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import signals
from .registry import builtin

if TYPE_CHECKING:
    from ..state import Shell


@builtin("trap")
def _trap(shell: Shell, words: list[str]) -> int:
    rest = words[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest or rest[0] == "-p":
        asked = {_trap_name(shell, word) for word in rest[1:]}
        for trap, set_action in sorted(shell.traps.items(), key=_trap_order):
            if asked and trap not in asked:
                continue
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
