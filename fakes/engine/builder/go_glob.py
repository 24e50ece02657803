"""The patterns of COPY and ADD (Go's `filepath.Match`)."""

from __future__ import annotations

import re
from functools import lru_cache


def has_wildcards(path: str) -> bool:
    """Whether a source is a pattern; a backslash takes the meaning of what follows away."""
    return re.search(r"[*?\[]", re.sub(r"\\.", "", path, flags=re.DOTALL)) is not None


def match(pattern: str, path: str) -> bool:
    """Whether a whole path matches; a malformed pattern matches nothing."""
    compiled = _compile(pattern)
    return compiled is not None and compiled.fullmatch(path) is not None


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str] | None:
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "\\":
            if position == len(pattern):
                return None
            parts.append(re.escape(pattern[position]))
            position += 1
        elif char == "[":
            found = _char_class(pattern, position)
            if found is None:
                return None
            text, position = found
            parts.append(text)
        else:
            parts.append(re.escape(char))
    return re.compile("".join(parts), re.DOTALL)


def _char_class(pattern: str, position: int) -> tuple[str, int] | None:
    negated = pattern[position : position + 1] == "^"
    position += negated
    ranges: list[tuple[str, str]] = []
    while True:
        if position >= len(pattern):
            return None
        if pattern[position] == "]" and ranges:
            position += 1
            break
        low = _class_char(pattern, position)
        if low is None:
            return None
        first, position = low
        last = first
        if pattern[position : position + 1] == "-":
            high = _class_char(pattern, position + 1)
            if high is None:
                return None
            last, position = high
        ranges.append((first, last))
    valid = [f"{re.escape(a)}-{re.escape(b)}" for a, b in ranges if a <= b]
    if negated:
        return f"[^/{''.join(valid)}]", position
    return (f"(?!/)[{''.join(valid)}]" if valid else "(?!)"), position


def _class_char(pattern: str, position: int) -> tuple[str, int] | None:
    if position >= len(pattern) or pattern[position] in "-]":
        return None
    if pattern[position] == "\\":
        position += 1
        if position >= len(pattern):
            return None
    return pattern[position], position + 1
