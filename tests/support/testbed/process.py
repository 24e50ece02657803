"""Whether the test run that left something behind is still there."""

from __future__ import annotations

import os


def is_alive(process: str) -> bool:
    """Whether there is a process of that number; what is no number counts as alive."""
    if not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
