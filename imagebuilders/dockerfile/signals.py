"""The signals that STOPSIGNAL takes."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[+-]?[0-9]+")
_LARGEST = 2**63
_RANGE = 15
_NAMES = frozenset(
    [
        "ABRT",
        "ALRM",
        "BUS",
        "CHLD",
        "CLD",
        "CONT",
        "FPE",
        "HUP",
        "ILL",
        "INT",
        "IO",
        "IOT",
        "KILL",
        "PIPE",
        "POLL",
        "PROF",
        "PWR",
        "QUIT",
        "SEGV",
        "STKFLT",
        "STOP",
        "SYS",
        "TERM",
        "TRAP",
        "TSTP",
        "TTIN",
        "TTOU",
        "URG",
        "USR1",
        "USR2",
        "VTALRM",
        "WINCH",
        "XCPU",
        "XFSZ",
        "RTMIN",
        "RTMAX",
    ]
) | {
    *(f"RTMIN+{number}" for number in range(1, _RANGE + 1)),
    *(f"RTMAX-{number}" for number in range(1, _RANGE)),
}


def is_signal(text: str) -> bool:
    """Return whether a text is a signal's name, with or without `SIG`, or a number but 0."""
    if _INTEGER.fullmatch(text) and -_LARGEST <= int(text) < _LARGEST:
        return int(text) != 0
    return text.upper().removeprefix("SIG") in _NAMES
