"""Runs the scenarios of a group on one daemon, and says what they saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from .conduct import Conduct, Dial
from .messages import Json
from .recordings import READS_AT_ONCE, scenario
from .views import loosened, view

_PLACE = re.compile(r"127\.0\.0\.1:\d+")
_COLD = frozenset({"build/cold"})
_COLD_GROUPS = frozenset({"pull"})
_BASE = "shell"

_WARM: Json = {
    "sessions": {
        "warm": {
            "methods": ["/moby.filesync.v1.FileSync/DiffCopy"],
            "folders": {
                "dockerfile": [
                    {"path": "Dockerfile", "type": "file", "text": f"FROM {_BASE}\nRUN true\n"}
                ],
                "context": [],
            },
        }
    },
    "actions": [{"solve": {"Ref": "warm", "Session": "warm", "Frontend": "dockerfile.v0"}}],
}
"""Has the base pulled, as was done before each recording."""


_EMPTIED = frozenset({"cache/import-registry", "cache/import-inline", "cache/import-missing"})
_EMPTY: Json = {
    "actions": [{"call": "/moby.buildkit.v1.Control/Prune", "asked": {"all": True}}],
}
"""Empties the daemon's cache, as was done before some scenarios."""


def places_of(daemon: str, name: str) -> set[str]:
    """Return the addresses of this machine that a scenario needs someone to be at."""
    return set(_PLACE.findall(json.dumps(scenario(daemon, name))))


def observe_group(
    daemon: str,
    names: Sequence[str],
    dial: Dial,
    *,
    prepare: Callable[[list[Json]], None] = lambda _runs: None,
    places: Mapping[str, str] | None = None,
    unique: str = "",
) -> dict[str, Json]:
    """Run the scenarios of a group in their order; return what each saw.

    Args:
        daemon: whose scenarios.
        names: the scenarios.
        dial: connects to a daemon.
        prepare: told before each scenario what its RUN steps do, for a daemon that executes none.
        places: what stands in the place of addresses in the scenarios.
        unique: makes the IDs of builds and sessions the run's own.
    """
    found: dict[str, Json] = {}
    is_warm = names[0].partition("/")[0] in _COLD_GROUPS
    prepare([])
    for name in names:
        if name in _EMPTIED:
            Conduct(dial, _EMPTY).run()
        if not is_warm and name not in _COLD:
            Conduct(dial, _WARM, unique=unique).run()
        is_warm = True
        described = scenario(daemon, name)
        prepare(described["runs"])
        mark = f"-{name.replace('/', '-')}{unique}"
        for session in described["sessions"].values():
            root = described.get("after_all", name).replace("/", "-")
            session["keeps"] = True
            session["sharedkey"] = f"{session.get('sharedkey', '')}-{root}{unique}"
        observed = Conduct(dial, described, places, mark).run()
        found[name] = view(json.loads(json.dumps(observed).replace(mark, "")))
        if daemon in READS_AT_ONCE:
            loosened(found[name])
    return found
