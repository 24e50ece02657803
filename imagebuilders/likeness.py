"""Which known name somebody may have meant: only one that is very like what was written."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

LIKE = 0.8
"""What likeness a name must have to be suggested: of `--no-cash`, `--no-cache` has 0.8, of
`--secret`, `--target` has 0.5. A wrong suggestion is worse than none."""


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest to one that is unknown; `None` if none is near.

    Dashes before a flag do not count, which all flags have in common, nor does letter case.

    Args:
        given: the unknown name.
        known: the names there are.
    """
    rated = [(_likeness(given, name), name) for name in known]
    ratio, name = max(rated, default=(0.0, ""))
    return name if ratio >= LIKE else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _plain(one), _plain(other)).ratio()


def _plain(name: str) -> str:
    return name.lstrip("-").lower()
