"""Transcripts of real engines: what each scenario saw, by engine version and image store.

A group of scenarios has one file a version, `transcripts/20.10/images.json`, so that one can be
recorded again without the others. Engines that were recorded once have all groups in one file,
`transcripts/29.7-overlay2.json.xz`, and say of scenarios that came later that these are. An entry
is the list of what was seen, `{"as": "20.10"}` where that equals what another version showed, or
`{"not recorded": "why"}`.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping
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


@lru_cache(maxsize=256)
def _stored(look: str, group: str) -> dict[str, Any]:
    whole = _whole(look)
    if whole is not None:
        return whole
    file = _folder() / look / f"{group}.json"
    if not file.is_file():
        return {"engine": "", "recorded": "", "scenarios": {}}
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


@lru_cache(maxsize=8)
def _whole(look: str) -> dict[str, Any] | None:
    """What is in the one file of a look, `None` when each group has one."""
    file = _file(look)
    if not file.is_file():
        return None
    document: dict[str, Any] = json.loads(lzma.decompress(file.read_bytes()))
    return document


def _file(look: str) -> Path:
    return _folder() / f"{look}.json.xz"


def transcript(look: str, scenario: str) -> Notes:
    """Return what a real engine let a scenario see.

    Args:
        look: the engine's version, or that with an image store, as in `29.7-overlay2`.
        scenario: its name.

    Raises:
        LookupError: there is no entry for it.
        NotRecordedError: its entry says that it was not recorded.
    """
    entry = _stored(look, scenario.partition(".")[0])["scenarios"].get(scenario)
    match entry:
        case list():
            return entry
        case {"as": str(other)}:
            return transcript(other, scenario)
        case {"not recorded": str(reason)}:
            raise NotRecordedError(reason)
    if _whole(look) is not None:
        raise NotRecordedError("the scenario was written later")
    raise LookupError(f"no transcript of {scenario} for {look}")


def recorded_engine(look: str) -> str:
    """The full version of the engine that was recorded, and when it was recorded last."""
    groups = sorted(file.stem for file in (_folder() / look).glob("*.json"))
    stored = [_stored(look, group) for group in groups] or [_stored(look, "")]
    newest = max(stored, key=lambda one: one["recorded"])
    return f"{newest['engine']} ({newest['recorded']})"


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

    What equals the base version is only said to, so that one is to be recorded first.
    """
    base = {} if look == BASE else _stored(BASE, group)["scenarios"]
    entries: dict[str, Any] = {
        name: {"as": BASE} if base.get(name) == seen else seen for name, seen in notes.items()
    }
    if (whole := _whole(look)) is not None:
        scenarios = {**whole["scenarios"], **entries}
        return write_whole(look, engine, recorded, scenarios)
    path = _folder() / look / f"{group}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"engine": engine, "recorded": recorded, "scenarios": entries}
    path.write_text(
        json.dumps(document, indent=0, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    _stored.cache_clear()
    return path


def write_whole(look: str, engine: str, recorded: str, scenarios: Mapping[str, Any]) -> Path:
    """Store the entries of all scenarios of a look in one file."""
    path = _file(look)
    document = {"engine": engine, "recorded": recorded, "scenarios": dict(scenarios)}
    text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    _stored.cache_clear()
    _whole.cache_clear()
    return path
