"""Names of platforms, and what BuildKit says of those that are none.

Its rules are those of https://github.com/containerd/platforms.
"""

from __future__ import annotations

import re
from dataclasses import replace

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.go_text import quote
from imagebuilders.oci.platform import Platform

_PART = r"^[A-Za-z0-9_.-]+$"
_SYSTEM = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"


def parse_platform(text: str) -> Platform:
    """Read a platform, such as `linux/arm64` or `windows(10.0.17763)/amd64`.

    Raises:
        ValueError: it is malformed; in BuildKit's words.
    """
    if "*" in text:
        raise _refused(text, "wildcards not yet supported")
    first, *rest = text.split("/", 3)
    system = re.fullmatch(_SYSTEM[1:-1], first)
    if system is None:
        raise ValueError(
            f"{quote(first)} is an invalid OS component of {quote(text)}: OSAndVersion specifier "
            f"component must match {quote(_SYSTEM)}: invalid argument"
        )
    for part in rest:
        if re.fullmatch(_PART[1:-1], part) is None:
            raise ValueError(
                f"{quote(part)} is an invalid component of {quote(text)}: platform specifier "
                f"component must match {quote(_PART)}: invalid argument"
            )
    if len(rest) > 2:
        raise _refused(text, "cannot parse platform specifier")
    try:
        platform = Platform.parse("/".join([system[1], *rest]))
    except ImageFormatError:
        raise _refused(text, "unknown operating system or architecture") from None
    return replace(platform, os_version=system[2] or "")


def _refused(text: str, problem: str) -> ValueError:
    return ValueError(f"{quote(text)}: {problem}: invalid argument")
