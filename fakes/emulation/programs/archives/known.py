"""The programs that pack and unpack, by their names."""

from __future__ import annotations

from ...process import Main
from . import compression
from .tar.main import tar


def programs(*, is_busybox: bool) -> dict[str, Main]:
    """Return them."""
    found: dict[str, Main] = {
        "tar": tar,
        "gzip": compression.gzip,
        "gunzip": compression.gunzip,
        "zcat": compression.zcat,
    }
    if is_busybox:
        found.update({
            "bzip2": compression.bzip2, "bunzip2": compression.bunzip2, "bzcat": compression.bzcat,
            "xz": compression.xz, "unxz": compression.unxz, "xzcat": compression.xzcat,
        })  # fmt: skip
    return found
