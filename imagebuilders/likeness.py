"""Which known name somebody may have meant: only one that is very like what was written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

LIKE = 0.8
"""What likeness a name must have to be suggested: of `--no-cash`, `--no-cache` has 0.8, of
`--secret`, `--target` has 0.5. A wrong suggestion is worse than none."""


def nearest(given: str, known: Iterable[str]) -> str | None:
    """Return the known name that is nearest to one that is unknown; `None` if none is near.

    Dashes before a flag do not count, which all flags have in common, nor does letter case. A
    name of which what was written is a whole word, as `client` is of `docker_client`, is near if
    there is no second one.

    Args:
        given: the unknown name.
        known: the names there are.
    """
    names = list(known)
    ratio, name = max(((_likeness(given, name), name) for name in names), default=(0.0, ""))
    if ratio >= LIKE:
        return name
    word = _plain(given)
    longer = [name for name in names if word and word in re.split("[-_]", _plain(name))[1:]]
    return longer[0] if len(longer) == 1 else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _plain(one), _plain(other)).ratio()


def _plain(name: str) -> str:
    return name.lstrip("-").lower()
