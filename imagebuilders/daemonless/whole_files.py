"""Files that are written whole or not at all, also when several processes do so at once."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file beside its place and put it there in one step; its folder is made.

    Args:
        path: the file.
        content: its bytes, or pieces of them.

    Raises:
        OSError: it cannot be written; what was at its place is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = path.parent / f".{path.name[:100]}-{secrets.token_hex(8)}"
    try:
        with drawn.open("xb") as file:
            for piece in [content] if isinstance(content, bytes) else content:
                file.write(piece)
        os.replace(drawn, path)
    except BaseException:
        with suppress(OSError):
            drawn.unlink()
        raise
