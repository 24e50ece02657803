"""The names of the environment variables that set a stack's keys."""

from __future__ import annotations

PREFIX = "IMAGEBUILDERS_"
DELIMITER = "__"


def variable_name(*key: str) -> str:
    """Spell the variable that sets a key."""
    return PREFIX + DELIMITER.join(key).upper()
