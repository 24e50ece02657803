"""Names of platforms, and what BuildKit says of those that are none.

Its rules are those of https://github.com/containerd/platforms.
"""

from __future__ import annotations

import re
from dataclasses import replace

from imagebuilders.evaluation.frontend import NEWEST, Frontend
from imagebuilders.exceptions import ImageFormatError
from imagebuilders.go_text import quote
from imagebuilders.oci.platform import Platform

_PART = r"^[A-Za-z0-9_.-]+$"
_OLD_PART = r"^[A-Za-z0-9_-]+$"
_OLD_SYSTEM = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$"
_SYSTEM = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$"


def parse_platform(text: str, frontend: Frontend = NEWEST) -> Platform:
    """Read a platform, such as `linux/arm64` or `windows(10.0.17763)/amd64`.

    Args:
        text: the platform.
        frontend: whose words count.

    Raises:
        ValueError: it is malformed; in BuildKit's words.
    """
    if "*" in text:
        raise _refused(text, "wildcards not yet supported")
    first, *rest = text.split("/", 3)
    has_versions = frontend >= Frontend(1, 3)
    form = _SYSTEM if frontend.warns else _OLD_SYSTEM
    system = re.fullmatch((form if has_versions else f"({_OLD_PART[1:-1]})()").strip("^$"), first)
    if system is None and has_versions:
        raise ValueError(
            f"{quote(first)} is an invalid OS component of {quote(text)}: OSAndVersion specifier "
            f"component must match {quote(form)}: invalid argument"
        )
    form = _PART if frontend.warns else _OLD_PART
    for part in rest if has_versions else (first, *rest):
        if re.fullmatch(form[1:-1], part) is None:
            raise ValueError(
                f"{quote(part)} is an invalid component of {quote(text)}: platform specifier "
                f"component must match {quote(form)}: invalid argument"
            )
    assert system is not None
    if len(rest) > 2:
        raise _refused(text, "cannot parse platform specifier")
    try:
        platform = Platform.parse("/".join([system[1], *rest]))
    except ImageFormatError:
        raise _refused(text, "unknown operating system or architecture") from None
    return replace(platform, os_version=system[2] or "")


def _refused(text: str, problem: str) -> ValueError:
    return ValueError(f"{quote(text)}: {problem}: invalid argument")
