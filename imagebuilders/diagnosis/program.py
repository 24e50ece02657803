"""The program itself: its version, Python, and what is installed beside it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.version import VERSION

_EXTRAS = {
    "aws": ("boto3", "the flavors 's3', 'ecr' and 'aws' need it"),
    "ssh": ("cryptography", "SSH keys that are not in an agent need it"),
    "zstd": ("backports.zstd", "layers compressed with zstd need it"),
}
"""The module that shows whether an extra is installed, and what it is for."""

_ZSTD_SINCE = (3, 14)


def look_at_program() -> Iterator[Finding]:
    """Tell the versions, and which extras are not installed."""
    python = platform.python_version()
    system = f"{platform.system()} {platform.machine()}"
    yield Finding(
        Area.PROGRAM, Severity.FINE, f"imagebuilders {VERSION} on Python {python}, {system}."
    )
    for extra, (module, purpose) in _EXTRAS.items():
        if extra == "zstd" and sys.version_info >= _ZSTD_SINCE:
            continue
        if not _is_installed(module):
            yield Finding(
                Area.PROGRAM,
                Severity.NOTE,
                f"The extra {extra!r} is not installed; {purpose}.",
                "Install it if you need that.",
                f"pip install 'imagebuilders[{extra}]'",
            )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not there
        return False
