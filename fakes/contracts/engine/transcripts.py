"""Transcripts of real engines: what each scenario saw, by engine version."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

BASE = "20.10"
"""The version whose transcript is whole; the others hold what differs from it."""

VERSIONS = ("20.10", "26.1", "28.5")
Notes = list[dict[str, Any]]


@lru_cache(maxsize=8)
def _stored(version: str) -> dict[str, Any]:
    file = resources.files("fakes.contracts.engine") / "transcripts" / f"{version}.json"
    if not file.is_file():
        return {"engine": "", "recorded": "", "scenarios": {}}
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def transcript(version: str, scenario: str) -> Notes | None:
    """What a real engine of that version let a scenario see; `None` when nobody recorded it."""
    for name in (version, BASE):
        notes: Notes | None = _stored(name)["scenarios"].get(scenario)
        if notes is not None:
            return notes
    return None


def recorded_engine(version: str) -> str:
    """The full version of the engine that was recorded, and when."""
    stored = _stored(version)
    return f"{stored['engine']} ({stored['recorded']})"


def write(version: str, engine: str, recorded: str, notes: dict[str, Notes]) -> Path:
    """Store a recording in this package's own folder; what equals the base version is left out."""
    if version != BASE:
        base = _stored(BASE)["scenarios"]
        notes = {name: seen for name, seen in notes.items() if base.get(name) != seen}
    path = Path(str(resources.files("fakes.contracts.engine"))) / "transcripts" / f"{version}.json"
    document = {"engine": engine, "recorded": recorded, "scenarios": notes}
    path.write_text(json.dumps(document, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
    _stored.cache_clear()
    return path
