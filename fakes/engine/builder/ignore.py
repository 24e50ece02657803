"""The daemon's own reading of `.dockerignore`: only for the Dockerfile and the file itself."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache


def read_patterns(text: str) -> list[str]:
    """The patterns of an ignore file, cleaned, exclusions with their `!`."""
    patterns: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        pattern = line.strip()
        if not pattern:
            continue
        negated = pattern.startswith("!")
        if negated:
            pattern = pattern[1:].strip()
        if pattern:
            pattern = posixpath.normpath(pattern)
            if len(pattern) > 1 and pattern.startswith("/"):
                pattern = pattern.lstrip("/")
        patterns.append(("!" if negated else "") + pattern)
    return patterns


def is_ignored(path: str, patterns: list[str]) -> bool:
    """Whether the last pattern that matches a path or a folder above it ignores it."""
    ignored = False
    folders = path.split("/")
    candidates = ["/".join(folders[: n + 1]) for n in range(len(folders))]
    for pattern in patterns:
        negated = pattern.startswith("!")
        expression = _compile(pattern[negated:])
        if expression is not None and any(expression.fullmatch(name) for name in candidates):
            ignored = not negated
    return ignored


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str] | None:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if pattern.startswith("**", position):
            position += 2
            if pattern.startswith("/", position):
                position += 1
            out.append(".*" if position >= len(pattern) else "(?:.*/)?")
            continue
        position += 1
        if char == "*":
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[":
            end = pattern.find("]", position + 1)
            if end < 0:
                return None
            out.append(f"[{pattern[position:end]}]")
            position = end + 1
        elif char == "\\" and position < len(pattern):
            out.append(re.escape(pattern[position]))
            position += 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return None
