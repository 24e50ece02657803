"""`(did you mean …?)`, as newer engines add it to an error."""

from __future__ import annotations

from collections.abc import Iterable

_NEAR = 3


def suggestion(word: str, known: Iterable[str], *, case_sensitive: bool) -> str:
    """The words to add, empty when nothing known is near."""
    wanted = word if case_sensitive else word.lower()
    best, match = _NEAR, ""
    for option in sorted(known):
        candidate = option if case_sensitive else option.lower()
        if candidate == wanted:
            return ""
        distance = edit_distance(wanted, candidate)
        if distance < best:
            best, match = distance, candidate
    if not match:
        return ""
    if not case_sensitive and word == word.upper():
        match = match.upper()
    return f" (did you mean {match}?)"


def edit_distance(one: str, two: str) -> int:
    """Insertions, deletions and replacements that turn one word into another."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(two, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
