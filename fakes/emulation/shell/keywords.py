"""The words with which a shell's language is built, as POSIX lists them under Reserved Words."""

from __future__ import annotations

KEYWORDS = frozenset((
    "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for", "in",
    "{", "}", "!",
))  # fmt: skip
"""Those of every shell."""
