"""Transcripts of real engines: what each scenario saw, by engine version.

A group of scenarios has one file a version, `transcripts/20.10/images.json`, so that one can be
recorded again without the others.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

BASE = "20.10"
"""The version whose transcripts are whole; the others hold what differs from it."""

VERSIONS = ("20.10", "26.1", "28.5")
Notes = list[dict[str, Any]]


def _folder() -> Path:
    return Path(str(resources.files("fakes.contracts.engine"))) / "transcripts"


@lru_cache(maxsize=128)
def _stored(version: str, group: str) -> dict[str, Any]:
    file = _folder() / version / f"{group}.json"
    if not file.is_file():
        return {"engine": "", "recorded": "", "scenarios": {}}
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def transcript(version: str, scenario: str) -> Notes | None:
    """What a real engine of that version let a scenario see; `None` when nobody recorded it."""
    group = scenario.partition(".")[0]
    for name in (version, BASE):
        notes: Notes | None = _stored(name, group)["scenarios"].get(scenario)
        if notes is not None:
            return notes
    return None


def recorded_engine(version: str) -> str:
    """The full version of the engine that was recorded, and when it was recorded last."""
    groups = sorted(file.stem for file in (_folder() / version).glob("*.json"))
    newest = max((_stored(version, group) for group in groups), key=lambda one: one["recorded"])
    return f"{newest['engine']} ({newest['recorded']})"


def write(version: str, group: str, engine: str, recorded: str, notes: dict[str, Notes]) -> Path:
    """Store a group's recording in this package's own folder.

    What equals the base version is left out, so that one is to be recorded first.
    """
    if version != BASE:
        base = _stored(BASE, group)["scenarios"]
        notes = {name: seen for name, seen in notes.items() if base.get(name) != seen}
    path = _folder() / version / f"{group}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"engine": engine, "recorded": recorded, "scenarios": notes}
    path.write_text(
        json.dumps(document, indent=0, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    _stored.cache_clear()
    return path
