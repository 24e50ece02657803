"""What an engine tells of what happened to it, between two moments of a scenario."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from .session import Session

Event = dict[str, Any]

_WAIT = 60.0
# How long a command ran is the machine's affair.
_MEASURED = "execDuration"
# A name that the engine made up for a container of a build.
_MADE_UP = re.compile(r"[a-z]+_[a-z]+\d?")


def moment() -> str:
    """Now, as `since` and `until` take it: seconds and nanoseconds."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{seconds}.{nanoseconds:09d}"


def told(s: Session, **query: str) -> list[Event]:
    """The events of a time that is over; those until now without an end."""
    query.setdefault("until", moment())
    answer = s.request("GET", "/events", params=query)
    return [json.loads(line) for line in answer.text.splitlines() if line.strip()]


def plain(event: Event) -> Event:
    """An event without its time."""
    seen = {key: value for key, value in event.items() if key not in ("time", "timeNano")}
    attributes = dict(event["Actor"]["Attributes"] or {})
    if _MEASURED in attributes:
        attributes[_MEASURED] = "<measured>"
    if _MADE_UP.fullmatch(attributes.get("name", "")):
        attributes["name"] = "<made up>"
    return {**seen, "Actor": {**event["Actor"], "Attributes": attributes}}


def brief(event: Event) -> str:
    """An event in a few words, for scenarios that only choose among events."""
    actor = plain(event)["Actor"]
    name = actor["Attributes"].get("name") or actor["ID"]
    return f"{event['Type']} {event['Action']} {name}"


@contextmanager
def events(s: Session, what: str, *, last: Collection[str] = ()) -> Iterator[None]:
    """Note what an engine tells of what is done in the block.

    Args:
        s: the scenario's hands.
        what: the note's name.
        last: the actions that are told last, when the engine tells them in its own time; also with
            what they happen to, as in `container destroy`.
    """
    since = moment()
    yield
    if last:
        _wait_for(s, since, last)
    s.note(what, [plain(event) for event in _settled(told(s, since=since))])


def _settled(told: list[Event]) -> list[Event]:
    """Events with a stop after the end that it waited for.

    An engine tells of the two at once, and of either first.
    """
    result: list[Event] = []
    for event in told:
        result.append(event)
        if event["Action"] == "die" and [e["Action"] for e in result[-2:]] == ["stop", "die"]:
            result[-2:] = reversed(result[-2:])
    return result


def _wait_for(s: Session, since: str, actions: Collection[str]) -> None:
    """Read events as they come until each of some actions has come."""
    missing = set(actions)
    until = f"{time.time() + _WAIT:.0f}"
    with s.request("GET", "/events", params={"since": since, "until": until}, stream=True) as told:
        for line in told.iter_lines(chunk_size=1):
            if line.strip():
                event = json.loads(line)
                missing -= {event["Action"], f"{event['Type']} {event['Action']}"}
            if not missing:
                return
