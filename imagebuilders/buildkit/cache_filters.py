"""Filters of a build cache as `docker buildx du --filter` takes them, in a daemon's form.

The daemon's form: https://github.com/containerd/containerd/blob/main/pkg/filters/filter.go
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.lazy_dataclass import dataclass

_UNTIL = "until"
_SWITCHES = ("inuse", "mutable", "immutable", "shared", "private")
_FIELDS = ("id", "parent", "parents", "description", "type")
_FILTER = re.compile(r"([a-z]+)(?:(==|!=|~=|=)(.*))?", re.DOTALL)
_DURATION = re.compile(r"(?:(\d{1,9}(?:\.\d{1,9})?)(h|m|s|ms))+")
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|h|m|s)")
_MAX_SECONDS = 2562047 * 3600  # Go counts nanoseconds in 63 bits
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class CacheFilters:
    """Which records of a build cache are meant.

    Attributes:
        filters: in the daemon's form; what fits any of them is meant.
        unused_for: only what no build has used for so long; `None` for everything.
    """

    filters: tuple[str, ...] = ()
    unused_for: timedelta | None = None


def parse_cache_filters(texts: Sequence[str]) -> CacheFilters:
    """Read filters; what fits all of them is meant.

    Args:
        texts: each as in `type=exec.cachemount`, `description~=COPY`, `inuse`, `until=24h`.

    Raises:
        BuildOptionsError: one is malformed, or of an unknown name.
    """
    parts: list[str] = []
    unused_for = None
    for text in texts:
        found = _FILTER.fullmatch(text)
        name, operator, value = found.groups() if found else ("", None, None)
        if name == _UNTIL and operator == "=":
            unused_for = parse_duration(value or "")
        elif name in _SWITCHES and operator is None:
            parts.append(name)
        elif name in _FIELDS and operator is not None:
            shown = "==" if operator == "=" else operator
            parts.append(f"{name}{shown}{_quoted(value or '')}")
        else:
            raise BuildOptionsError(
                f"The filter {text!r} has another form than NAME=VALUE, NAME!=VALUE, NAME~=REGEXP, "
                f"or a name other than {_UNTIL}, {', '.join((*_FIELDS, *_SWITCHES))}.",
                option="filter",
            )
    return CacheFilters((",".join(parts),) if parts else (), unused_for)


def parse_duration(text: str) -> timedelta:
    """Read a duration as Go spells it: `24h`, `1h30m`, `90s`.

    Raises:
        BuildOptionsError: it is malformed.
    """
    if not _DURATION.fullmatch(text):
        raise BuildOptionsError(
            f"The duration {text!r} has another form than 24h, 1h30m or 90s.", option="filter"
        )
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > _MAX_SECONDS:
        raise BuildOptionsError(f"The duration {text!r} is longer than 2562047h.", option="filter")
    return timedelta(seconds=seconds)


def _quoted(value: str) -> str:
    """Return a value as the daemon reads it: as it is, or between quotes."""
    if re.fullmatch(r"[A-Za-z0-9_./-]+", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
