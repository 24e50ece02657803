"""`(did you mean …?)`, as BuildKit adds it to an error."""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.go_text import to_lower

_TOO_FAR = 3


def suggestion(word: str, known: Iterable[str], *, case_sensitive: bool) -> str:
    """Return what to add to an error about an unknown word; empty when nothing is near.

    Of several that are as near the first one is taken; a set has the order of the alphabet.
    """
    wanted = word if case_sensitive else to_lower(word)
    nearest, match = _TOO_FAR, ""
    for option in sorted(known) if isinstance(known, (set, frozenset)) else known:
        candidate = option if case_sensitive else to_lower(option)
        if candidate == wanted:
            return ""
        # Words whose lengths differ that much are as far apart.
        if abs(len(candidate) - len(wanted)) < nearest:
            distance = _edit_distance(wanted, candidate)
            if distance < nearest:
                nearest, match = distance, option if case_sensitive else _in_case(option, word)
    return f" (did you mean {match}?)" if match else ""


def _in_case(option: str, word: str) -> str:
    return option.upper() if word == word.upper() != to_lower(word) else to_lower(option)


def _edit_distance(one: str, two: str) -> int:
    """Return how many insertions, deletions and replacements turn one word into another."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(two, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
