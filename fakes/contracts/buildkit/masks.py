"""Taking away what differs from one run to the next: digests, random names, times, places."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"sha256:(?:[0-9a-f]{64}|d\d+)")
_RANDOM = re.compile(
    r"(?<![0-9a-z])"
    r"(?:[0-9a-z]{25}|id\d+|uuid\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"(?![0-9a-z])"
)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)|(?<![A-Z])TIME(?![A-Z])"
)
_HASH = re.compile(r"(?<![0-9a-z])\d{15,}(?![0-9a-z])")
_PLACE = re.compile(r"127\.0\.0\.1:\d+|ADDRESS")
_FOLDER = re.compile(
    r"MOUNT|PATH|FOLDER|/(?:var/lib|tmp|run)/[\w./-]*(?:mount|snapshots|overlay)[\w./-]*"
)


def masked(text: str) -> str:
    """Return a text without what differs from run to run."""
    text = _DIGEST.sub("sha256:*", text)
    text = _PLACE.sub("<place>", text)
    text = _HASH.sub("<number>", text)
    text = _TIME.sub("<time>", text)
    text = _FOLDER.sub("<folder>", text)
    return _RANDOM.sub("<id>", text)
