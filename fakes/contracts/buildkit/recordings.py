"""What real daemons answered and asked in each scenario, and what the client did.

Recorded on the wire of buildkitd 0.32.2 and of Docker 28.5.2 with each of its image stores.
"""

from __future__ import annotations

import json
import lzma
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from .messages import Json

_FILE = "recordings.json.xz"


@cache
def _stored() -> Json:
    content = lzma.decompress(Path(__file__).with_name(_FILE).read_bytes())
    stored: Json = json.loads(content)
    return stored


def daemons() -> list[str]:
    """Return the names of the daemons that were recorded."""
    return sorted(_stored()["views"])


def groups(daemon: str) -> dict[str, list[str]]:
    """Return the scenarios of a daemon by group, in order: those of a group share a cache."""
    found: dict[str, list[str]] = {}
    known = _stored()["views"][daemon]
    for name in _stored()["order"]:
        if name in known:
            found.setdefault(name.partition("/")[0], []).append(name)
    return found


def scenario(daemon: str, name: str) -> Json:
    """Return what the client does in a scenario."""
    stored: Json = _stored()["scenarios"][name]
    found: Json = stored[daemon] if daemon in stored else stored["*"]
    return deepcopy(found)


def expected(daemon: str, name: str) -> Any:
    """Return the view of what a daemon answered and asked."""
    return _stored()["views"][daemon][name]


def write(scenarios: Json, order: list[str], views: Json) -> Path:
    """Store recordings in this package's own folder."""
    path = Path(__file__).with_name(_FILE)
    content = {"scenarios": scenarios, "order": order, "views": views}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    _stored.cache_clear()
    return path
