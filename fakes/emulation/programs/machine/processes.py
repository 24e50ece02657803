"""`ps` and `top`: which processes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...accounts import Accounts

if TYPE_CHECKING:
    from ...process import Process

_PAUSE = 5.0
"""Seconds between the pictures that `top` gives."""


def ps(process: Process) -> int:
    """List processes by their numbers."""
    process.print(_table(process))
    return 0


def top(process: Process) -> int:
    """List processes again and again; `-n` says how often, `-d` after how many seconds."""
    words = process.arguments[1:]
    left = _number(words, "-n")
    pause = _number(words, "-d")
    while left is None or left > 0:
        process.print(_table(process))
        process.flush()
        left = None if left is None else left - 1
        if left != 0:
            process.sleep(_PAUSE if pause is None else pause)
    return 0


def _number(words: list[str], option: str) -> float | None:
    """Return the number behind an option, in a word of its own or in the same."""
    for position, word in enumerate(words):
        text = word[len(option) :]
        if word == option and position + 1 < len(words):
            text = words[position + 1]
        if word.startswith(option) and text.replace(".", "", 1).isdigit():
            return float(text)
    return None


def _table(process: Process) -> str:
    accounts = Accounts.read(process)
    lines = ["PID   USER     TIME  COMMAND"]
    with process.system.changed:
        known = sorted(process.system.processes.items())
    for number, one in known:
        if not one.has_ended:
            user = accounts.user_name(one.credentials.uid)
            lines.append(f"{number:5} {user[:8]:8}  0:00 {' '.join(one.arguments)}")
    return "\n".join(lines) + "\n"
