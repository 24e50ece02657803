"""Platform names, as in `linux/arm64/v8`."""

from __future__ import annotations

import re

from imagebuilders.oci.platform import ARCHITECTURE_ALIASES

from .. import go_text
from .errors import ApiError

_ARCHITECTURES = {
    **ARCHITECTURE_ALIASES,
    "arm": ("arm", "v7"),
    **{
        name: (name, "")
        for name in [
            "386",
            "amd64",
            "arm64",
            "ppc64",
            "ppc64le",
            "s390x",
            "mips",
            "mipsle",
            "mips64",
            "mips64le",
            "riscv64",
            "loong64",
        ]
    },
}
_SYSTEMS = frozenset(
    ["linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "plan9", "aix"]
)
_PART = re.compile(r"[A-Za-z0-9_-]+")


def parse_platform(text: str) -> tuple[str, str, str]:
    """System, architecture and variant.

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
    if len(parts) == 1:
        name = parts[0].lower()
        if name in _SYSTEMS:
            return name, "amd64", ""
        if name in _ARCHITECTURES:
            return "linux", *_ARCHITECTURES[name]
        raise ApiError(400, f"{quoted}: unknown operating system or architecture: invalid argument")
    if len(parts) > 3:
        raise ApiError(400, f"{quoted}: cannot parse platform specifier: invalid argument")
    system = parts[0].lower()
    architecture, variant = _ARCHITECTURES.get(parts[1].lower(), (parts[1].lower(), ""))
    if len(parts) == 3:
        variant = parts[2].lower()
        if architecture == "arm64" and variant == "v8":
            variant = ""
        if architecture == "arm" and variant.isdigit():
            variant = f"v{variant}"
    return system, architecture, variant
