"""The command `s`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .script import Command


def substituted(command: Command, pattern: re.Pattern[str], text: str) -> str | None:
    """Return what `s` makes of a text; `None` where nothing is replaced."""
    number = 0
    everywhere = "g" in command.flags
    out: list[str] = []
    position = last = 0
    changed = False
    previous_end = -1
    while position <= len(text):
        match = pattern.search(text, position)
        if match is None:
            break
        if match.end() == match.start() and match.start() == previous_end:
            position = match.end() + 1
            if match.end() >= len(text):
                break
            continue
        number += 1
        if number >= command.count:
            out.append(text[last : match.start()])
            out.append(_expanded(command.replacement, match))
            last = match.end()
            changed = True
            if not everywhere:
                break
        previous_end = match.end()
        position = match.end() if match.end() > match.start() else match.end() + 1
    return "".join([*out, text[last:]]) if changed else None


def _expanded(parts: Sequence[tuple[str, str]], match: re.Match[str]) -> str:
    out = ""
    mode = once = ""
    for kind, text in parts:
        if kind == "case":
            if text in "ul":
                once = text
            else:
                mode, once = ("" if text == "E" else text), ""
            continue
        piece = (match[int(text)] or "") if kind == "group" else text
        if mode:
            piece = piece.upper() if mode == "U" else piece.lower()
        if once and piece:
            piece = (piece[0].upper() if once == "u" else piece[0].lower()) + piece[1:]
            once = ""
        out += piece
    return out
