"""What real daemons answered and asked in each scenario, and what the client did.

Recorded on the wire of buildkitd 0.32.2 and of Docker 28.5.2 with each of its image stores, which
pulled their bases; and, by the contract's own client, of engines that have the bases in their
stores (`OWN`), which `nox -s record` does anew.
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
_OWN_FILE = "recorded.json.xz"

OWN = {
    "20.10-store": "20.10",
    "26.1-store": "26.1",
    "28.5-store": "28.5",
    "28.5-containerd-store": "28.5-containerd",
}
"""The daemons that are recorded by the contract's own client: engines by their looks."""

READS_AT_ONCE = frozenset({"20.10-store"})
"""The daemons that read a Dockerfile and its ignore file at once, in any order."""

_CLIENTS = {"28.5-containerd-store": "28.5-containerd"}
_CLIENTS_OF_OTHERS = "28.5-graph"


@cache
def _stored() -> Json:
    stored = _read(_FILE)
    stored["views"].update(_read(_OWN_FILE))
    return stored


def _read(name: str) -> Json:
    path = Path(__file__).with_name(name)
    content: Json = json.loads(lzma.decompress(path.read_bytes())) if path.exists() else {}
    return content


def daemons() -> list[str]:
    """Return the names of the daemons that were recorded."""
    return sorted(_stored()["views"])


def clients_of(daemon: str) -> str:
    """Return the daemon whose clients, and their scenarios, a daemon has."""
    return _CLIENTS.get(daemon, _CLIENTS_OF_OTHERS) if daemon in OWN else daemon


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
    found: Json = stored.get(clients_of(daemon)) or stored["*"]
    return deepcopy(found)


def expected(daemon: str, name: str) -> Any:
    """Return the view of what a daemon answered and asked."""
    return _stored()["views"][daemon][name]


def write_own(daemon: str, group: str, views: Json) -> Path:
    """Store the views of a group of a daemon of `OWN` in this package's own folder."""
    path = Path(__file__).with_name(_OWN_FILE)
    content = _read(_OWN_FILE)
    known = content.get(daemon, {})
    kept = {name: view for name, view in known.items() if name.partition("/")[0] != group}
    content[daemon] = {**kept, **views}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    _stored.cache_clear()
    return path
