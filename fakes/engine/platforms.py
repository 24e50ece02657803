"""Platform names, as in `linux/arm64/v8`, refused in the engine's words."""

from __future__ import annotations

import re

from imagebuilders.exceptions import ImageFormatError
from imagebuilders.oci.platform import Platform

from .. import go_text
from .errors import ApiError

_PART = re.compile(r"[A-Za-z0-9_-]+")
_UNKNOWN = "unknown operating system or architecture"


def parse_platform(text: str) -> Platform:
    """Read a platform, in its normal form.

    Raises:
        ApiError: 400 in the engine's words.
    """
    quoted = go_text.quote(text)
    if "*" in text:
        raise ApiError(400, f"{quoted}: wildcards not yet supported: invalid argument")
    parts = text.split("/")
    for part in parts:
        if not _PART.fullmatch(part):
            raise ApiError(
                400,
                f"{go_text.quote(part)} is an invalid component of {quoted}: "
                "platform specifier component must match "
                '"^[A-Za-z0-9_-]+$": invalid argument',
            )
    try:
        return Platform.parse(text)
    except ImageFormatError:
        has_parts = len(parts) > 1
        problem = "cannot parse platform specifier" if has_parts else _UNKNOWN
        raise ApiError(400, f"{quoted}: {problem}: invalid argument") from None
