"""Transcripts of real engines: what each scenario saw, by engine version and image store.

All are in one file, `transcripts.json.xz`: what one engine showed is much like what the others
did, so that together they take a fifth of the room. An entry is the list of what was seen,
`{"as": "20.10"}` where that equals what another version showed, or `{"not recorded": "why"}`. An
engine that was recorded once is not complete: what it has no entry of was written later.

`python -m fakes.contracts.engine.transcripts 28.5 SCENARIO` prints one to read.
"""

from __future__ import annotations

import json
import lzma
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from ...engine.versions import OLDEST

BASE = OLDEST
"""The version whose transcripts are whole; those of the others refer to it."""

Notes = list[dict[str, Any]]


_FILE = "transcripts.json.xz"


class NotRecordedError(LookupError):
    """A scenario is marked as not recorded on an engine; the text is the reason."""


class _Recording(TypedDict):
    """What was recorded of one look."""

    engine: str
    recorded: str
    is_complete: bool
    scenarios: dict[str, Any]


def _path() -> Path:
    return Path(__file__).with_name(_FILE)


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
        LookupError: there is no entry for it.
        NotRecordedError: its entry says that it was not recorded.
    """
    recording = _stored().get(look)
    entry = recording and recording["scenarios"].get(scenario)
    match entry:
        case list():
            return entry
        case {"as": str(other)}:
            return transcript(other, scenario)
        case {"not recorded": str(reason)}:
            raise NotRecordedError(reason)
    if recording and not recording["is_complete"]:
        raise NotRecordedError("the scenario was written later")
    raise LookupError(f"no transcript of {scenario} for {look}")


def recorded_engine(look: str) -> str:
    """The full version of the engine that was recorded, and when it was recorded last."""
    recording = _stored()[look]
    return f"{recording['engine']} ({recording['recorded']})"


def not_recorded(look: str, names: Iterable[str]) -> dict[str, str]:
    """The scenarios that were not recorded on an engine, each with the reason."""
    reasons = ((name, _why_not_recorded(look, name)) for name in names)
    return {name: reason for name, reason in reasons if reason}


def _why_not_recorded(look: str, name: str) -> str:
    try:
        transcript(look, name)
    except NotRecordedError as error:
        return str(error)
    return ""


def write(look: str, group: str, engine: str, recorded: str, notes: dict[str, Notes]) -> Path:
    """Store a group's recording in this package's own folder.

    What equals the base version is only said to, so that one is to be recorded first. A complete
    look keeps no scenario of the group but these.
    """
    base = {} if look == BASE else _stored()[BASE]["scenarios"]
    entries = {
        name: {"as": BASE} if base.get(name) == seen else seen for name, seen in notes.items()
    }
    kept = dict(_stored()[look]["scenarios"]) if look in _stored() else {}
    if is_complete(look):
        kept = {name: one for name, one in kept.items() if name.partition(".")[0] != group}
    return write_whole(look, engine, recorded, {**kept, **entries})


def is_complete(look: str) -> bool:
    """Whether each scenario was recorded of a look, or is to be: a new look's are."""
    return look not in _stored() or _stored()[look]["is_complete"]


def write_whole(look: str, engine: str, recorded: str, scenarios: Mapping[str, Any]) -> Path:
    """Store the entries of all scenarios of a look."""
    recording = _Recording(
        engine=engine,
        recorded=recorded,
        is_complete=is_complete(look),
        scenarios=dict(scenarios),
    )
    stored = {**_stored(), look: recording}
    text = json.dumps(stored, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    _path().write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    _stored.cache_clear()
    return _path()


if __name__ == "__main__":
    print(json.dumps(transcript(*sys.argv[1:]), indent=2, ensure_ascii=False))
