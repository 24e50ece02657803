"""Names of files that are being written, and which of them were left behind."""

from __future__ import annotations

import re
import secrets
import time

STALE_AFTER = 24 * 60 * 60.0
"""After so many seconds an unfinished upload counts as left behind by a process that died."""

_NAME = re.compile(r"\.(?P<name>.+)\.(?P<started>[0-9a-f]{8,16})-[0-9a-f]{16}\.part")


def temporary_name(name: str) -> str:
    """Give a name, used by nobody else, under which `name` can be written.

    It carries the time, so that its age is known on file systems that keep no times.
    """
    return f".{name}.{int(time.time()):08x}-{secrets.token_hex(8)}.part"


def is_temporary(name: str) -> bool:
    """Tell whether `name` was made by `temporary_name`."""
    return _NAME.fullmatch(name) is not None


def is_stale(name: str, after: float = STALE_AFTER) -> bool:
    """Tell whether `name` is a temporary name made more than `after` seconds ago."""
    match = _NAME.fullmatch(name)
    return match is not None and time.time() - int(match["started"], 16) > after
