"""The tags by which S3 tells one content of an object from another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable


def tag_of(content: bytes) -> str:
    """Return the tag S3 gives to an object that was put with one request: its MD5."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def tag_of_parts(tags: Iterable[str]) -> str | None:
    """Return the tag S3 gives to an object made of parts with these tags.

    It is the MD5 of the parts' MD5s and their number. `None` when the parts' tags are not
    MD5s, as those of some encrypted objects.
    """
    plain = [tag.strip('"') for tag in tags]
    if not all(re.fullmatch("[0-9a-f]{32}", tag) for tag in plain):
        return None
    together = hashlib.md5(bytes.fromhex("".join(plain)), usedforsecurity=False)
    return f"{together.hexdigest()}-{len(plain)}"
