"""Sizes and durations as people read them."""

from __future__ import annotations


def size(count: int) -> str:
    """Spell a number of bytes, in powers of 1000 as `docker` does: `512 B`, `1.5 MB`."""
    if count < 1000:
        return f"{count} B"
    value = count / 1000
    for unit in ("kB", "MB", "GB"):
        # 999.95 would be rounded up to 1000.0: the next unit says it better.
        if value < 999.95:
            return f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """Spell a duration: `0.4s`, `12.0s`, `3m05s`, `1h02m`."""
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


def age(seconds: float) -> str:
    """Spell how long ago something was, in its largest unit: `12 s`, `5 min`, `3 h`, `9 days`."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 2 * 86400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} days"


def counted(count: int, noun: str) -> str:
    """Spell how many there are of something: `1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
