"""Transcripts of real engines: what each scenario saw, by engine version.

A group of scenarios has one file a version, `transcripts/20.10/images.json`, so that one can be
recorded again without the others. An entry is the list of what was seen, `{"as": "20.10"}` where
that equals what another version showed, or `{"not recorded": "why"}`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...engine.versions import OLDEST

BASE = OLDEST
"""The version whose transcripts are whole; those of the others refer to it."""

Notes = list[dict[str, Any]]


def _folder() -> Path:
    return Path(__file__).with_name("transcripts")


class NotRecordedError(LookupError):
    """A scenario is marked as not recorded on an engine; the text is the reason."""


@lru_cache(maxsize=128)
def _stored(version: str, group: str) -> dict[str, Any]:
    file = _folder() / version / f"{group}.json"
    if not file.is_file():
        return {"engine": "", "recorded": "", "scenarios": {}}
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def transcript(version: str, scenario: str) -> Notes:
    """Return what a real engine of that version let a scenario see.

    Raises:
        LookupError: there is no entry for it.
        NotRecordedError: its entry says that it was not recorded.
    """
    entry = _stored(version, scenario.partition(".")[0])["scenarios"].get(scenario)
    match entry:
        case list():
            return entry
        case {"as": str(other)}:
            return transcript(other, scenario)
        case {"not recorded": str(reason)}:
            raise NotRecordedError(reason)
    raise LookupError(f"no transcript of {scenario} for {version}")


def recorded_engine(version: str) -> str:
    """The full version of the engine that was recorded, and when it was recorded last."""
    groups = sorted(file.stem for file in (_folder() / version).glob("*.json"))
    newest = max((_stored(version, group) for group in groups), key=lambda one: one["recorded"])
    return f"{newest['engine']} ({newest['recorded']})"


def write(version: str, group: str, engine: str, recorded: str, notes: dict[str, Notes]) -> Path:
    """Store a group's recording in this package's own folder.

    What equals the base version is only said to, so that one is to be recorded first.
    """
    base = {} if version == BASE else _stored(BASE, group)["scenarios"]
    entries = {
        name: {"as": BASE} if base.get(name) == seen else seen for name, seen in notes.items()
    }
    path = _folder() / version / f"{group}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"engine": engine, "recorded": recorded, "scenarios": entries}
    path.write_text(
        json.dumps(document, indent=0, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    _stored.cache_clear()
    return path
