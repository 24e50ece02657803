"""The names of members: texts in archives, bytes as the shell has them elsewhere."""

from __future__ import annotations


def to_archive(name: str) -> str:
    """Return a path as `tarfile` wants it."""
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


def from_archive(name: str) -> str:
    """Return a member's name as a path."""
    return name.encode("utf-8", "surrogateescape").decode("latin-1")
