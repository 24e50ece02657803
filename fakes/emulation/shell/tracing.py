"""How `set -x` shows words."""

from __future__ import annotations

import re

from .dialect import Dialect
from .keywords import KEYWORDS
from .quoting import quoted

_NEEDS_QUOTES = re.compile(r"[^A-Za-z0-9_%+,./:=@^-]")


def traced(word: str, dialect: Dialect, *, is_value: bool = False) -> str:
    """Return a word as it is shown."""
    if dialect.is_dash:
        return word
    if not word:
        return "" if is_value or dialect.is_busybox else "''"
    if dialect.is_bash:
        return quoted(word) if _NEEDS_QUOTES.search(word) else word
    if re.search(r"[\s'\"\\\\$`*?\[=~&|;<>(){}#!]", word) or word in KEYWORDS:
        return "'" + word.replace("'", "'\"'\"'") + "'"
    return word
