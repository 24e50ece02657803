"""Transcripts of real engines: what each scenario saw, by engine version and image store.

All are in one file, `transcripts.json.xz`: what one engine showed is much like what the others
did, so that together they take a fifth of the room. An entry is the list of what was seen, or
`{"as": "20.10"}` where that equals what another version showed.

A scenario that was not recorded on an engine stands in `not_recorded.json`, below the engine and
the reason; one that stands nowhere is an error.

`python -m fakes.contracts.engine.transcripts 28.5 SCENARIO` prints one to read.
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from ...engine.versions import LOOKS

Notes = list[dict[str, Any]]


class NotRecordedError(LookupError):
    """A scenario is marked as not recorded on an engine; the text is the reason."""


class _Recording(TypedDict):
    """What was recorded of one look."""

    engine: str
    recorded: str
    scenarios: dict[str, Any]


def _folder() -> Path:
    return Path(__file__).parent


def _path() -> Path:
    return _folder() / "transcripts.json.xz"


@cache
def _stored() -> dict[str, _Recording]:
    stored: dict[str, _Recording] = json.loads(lzma.decompress(_path().read_bytes()))
    return stored


def transcript(look: str, scenario: str) -> Notes:
    """Return what a real engine let a scenario see.

    Args:
        look: the engine's version, or that with an image store, as in `29.7-overlay2`.
        scenario: its name.

    Raises:
        LookupError: there is none, and it is not marked as not recorded.
        NotRecordedError: it is marked so.
    """
    recording = _stored().get(look)
    match recording and recording["scenarios"].get(scenario):
        case list() as seen:
            return seen
        case {"as": str(other)}:
            return transcript(other, scenario)
    if reason := marked(look).get(scenario):
        raise NotRecordedError(reason)
    raise LookupError(f"no transcript of {scenario} for {look}")


def recorded_engine(look: str) -> str:
    """The full version of the engine that was recorded, and when it was recorded last."""
    recording = _stored()[look]
    return f"{recording['engine']} ({recording['recorded']})"


# --- what was not recorded ----------------------------------------------------


def not_recorded(look: str, names: Iterable[str]) -> dict[str, str]:
    """Those of some scenarios that are marked as not recorded on an engine, with the reasons."""
    reasons = marked(look)
    return {name: reasons[name] for name in names if name in reasons}


def marked_looks() -> list[str]:
    """The engines that some scenarios were not recorded on."""
    return sorted(_marks())


@cache
def marked(look: str) -> dict[str, str]:
    """The scenarios that are marked as not recorded on an engine, each with the reason."""
    return {name: why for why, names in _marks().get(look, {}).items() for name in names}


def mark(look: str, names: Iterable[str], reason: str = "") -> None:
    """Mark scenarios as not recorded on an engine, or, without a reason, take their marks away."""
    chosen, marks = set(names), _marks()
    reasons = {why: sorted({*of} - chosen) for why, of in marks.get(look, {}).items()}
    if reason:
        reasons[reason] = sorted({*reasons.get(reason, ()), *chosen})
    marks[look] = {why: of for why, of in reasons.items() if of}
    if not marks[look]:
        del marks[look]
    text = json.dumps(marks, indent=1, sort_keys=True, ensure_ascii=False)
    _marks_file().write_text(f"{text}\n", encoding="utf-8")
    forget()


def _marks() -> dict[str, dict[str, list[str]]]:
    """The names of the scenarios that were not recorded, by look and reason."""
    marks: dict[str, dict[str, list[str]]] = json.loads(_marks_file().read_text(encoding="utf-8"))
    return marks


def _marks_file() -> Path:
    return _folder() / "not_recorded.json"


# --- writing ------------------------------------------------------------------


def write(
    look: str, engine: str, recorded: str, notes: Mapping[str, Notes], known: Iterable[str]
) -> Path:
    """Store what scenarios saw in this package's own folder, and take away the marks they have.

    What equals a recording of an older look is only said to, so that older ones are to be
    recorded first.

    Args:
        look: which engine was recorded.
        engine: its full version.
        recorded: when, as in `2026-11-30`.
        notes: what was seen, by scenario; the others stay as they are.
        known: the names of all scenarios; what is stored of others goes.
    """
    stored = {
        name: recording if name == look else _without_references(recording, look, notes)
        for name, recording in _stored().items()
    }
    mine = dict(stored[look]["scenarios"]) if look in stored else {}
    mine.update((name, _entry(look, name, seen)) for name, seen in notes.items())
    scenarios = {name: mine[name] for name in known if name in mine}
    stored[look] = _Recording(engine=engine, recorded=recorded, scenarios=scenarios)
    text = json.dumps(stored, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    _path().write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    mark(look, notes)
    return _path()


def _without_references(recording: _Recording, look: str, notes: Mapping[str, Notes]) -> _Recording:
    """Another look's recording, with what it showed where a new one of this look is other."""
    scenarios = dict(recording["scenarios"])
    for name, seen in notes.items():
        if scenarios.get(name) == {"as": look} and transcript(look, name) != seen:
            scenarios[name] = transcript(look, name)
    return {**recording, "scenarios": scenarios}


def _entry(look: str, name: str, seen: Notes) -> Notes | dict[str, str]:
    """What is stored of a scenario: what was seen, or the newest older look that showed it."""
    looks = list(LOOKS)
    for older in reversed(looks[: looks.index(look)]):
        with suppress(LookupError):
            if transcript(older, name) == seen:
                return {"as": older}
    return seen


def forget() -> None:
    """Read the files anew when they are needed next."""
    _stored.cache_clear()
    marked.cache_clear()


if __name__ == "__main__":
    print(json.dumps(transcript(*sys.argv[1:]), indent=2, ensure_ascii=False))
