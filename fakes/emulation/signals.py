"""Signals that emulated processes know, by number and name (signal(7), x86-64)."""

from __future__ import annotations

NAMES = [
    "EXIT",
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
    "STKFLT",
    "CHLD",
    "CONT",
    "STOP",
    "TSTP",
    "TTIN",
    "TTOU",
    "URG",
    "XCPU",
    "XFSZ",
    "VTALRM",
    "PROF",
    "WINCH",
    "POLL",
    "PWR",
    "SYS",
]
"""The name of each number; that of 0 is the shell's."""

NUMBERS = {name: number for number, name in enumerate(NAMES)} | {"IO": 29, "IOT": 6, "CLD": 17}
HUP, INT, KILL, PIPE, TERM, CHLD = (
    NUMBERS[name] for name in ("HUP", "INT", "KILL", "PIPE", "TERM", "CHLD")
)

_HARMLESS = frozenset(NUMBERS[name] for name in ("CHLD", "CONT", "URG", "WINCH"))
_STOPS = frozenset(NUMBERS[name] for name in ("STOP", "TSTP", "TTIN", "TTOU"))


def number_of(word: str) -> int | None:
    """Return the number that a word stands for, with or without SIG; `None` for none."""
    if word.isdigit():
        return int(word) if int(word) < 65 else None
    return NUMBERS.get(word.upper().removeprefix("SIG"))


def ends_process(number: int) -> bool:
    """Tell whether a process ends by a signal that it does nothing about."""
    return number not in _HARMLESS and number not in _STOPS and number != 0
