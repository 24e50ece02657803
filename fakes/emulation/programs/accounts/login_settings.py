"""What `/etc/default/useradd` and `/etc/login.defs` say of new accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...process import Process


def default_of(process: Process, name: str) -> str | None:
    """Return a setting of `useradd`; `None` where there is none."""
    match = re.search(rf"^{name}=(.*)$", _text(process, "/etc/default/useradd"), re.M)
    return None if match is None else match[1]


def home_mode(process: Process) -> int | None:
    """Return the mode of new homes; `None` where nothing is said."""
    text = _text(process, "/etc/login.defs")
    match = re.search(r"^HOME_MODE\s+([0-7]+)", text, re.M)
    if match is not None:
        return int(match[1], 8)
    match = re.search(r"^UMASK\s+([0-7]+)", text, re.M)
    return 0o777 & ~int(match[1], 8) if match is not None else None


def _text(process: Process, path: str) -> str:
    files = process.system.files
    if files.kind(process, path) != "file":
        return ""
    return files.read_file(process, path).decode("latin-1")
