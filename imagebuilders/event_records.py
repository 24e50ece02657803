"""Events as JSON objects: `{"event": "step_started", "time": …, …}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import datetime, timezone
from typing import get_args

from imagebuilders.events import Event, OneOfMany

_CLASSES: tuple[type, ...] = get_args(Event)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "int | None": (int, type(None)),
    "tuple[str, ...]": (list,),
}


def event_name(event_class: type) -> str:
    """Return an event's name in JSON: `step_started` for `StepStarted`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


def event_record(event: Event, seconds: float) -> dict[str, object] | None:
    """Return an event as an object; `None` for what is no event of this package.

    Args:
        event: the event; one of several builds has its build behind the time.
        seconds: when it was heard, in seconds since 1970.
    """
    head: dict[str, object] = {"time": _timestamp(seconds)}
    if isinstance(event, OneOfMany):
        head["build"], event = event.build, event.event
    if type(event) not in _CLASSES:
        return None
    return {"event": event_name(type(event)), **head, **_details(event)}


def event_of(record: Mapping[str, object]) -> tuple[Event, float] | None:
    """Return the event that an object is of, and when it was heard; `None` if it is of none.

    Keys that are unknown, as of a newer version, do not matter.

    Args:
        record: the object.
    """
    event_class = _BY_NAME.get(str(record.get("event")))
    moment = _seconds(record.get("time"))
    if event_class is None or moment is None:
        return None
    values: dict[str, object] = {}
    for each in fields(event_class):
        if each.name in record:
            value = record[each.name]
            if not isinstance(value, _TYPES.get(str(each.type), (str,))):
                return None
            values[each.name] = tuple(map(str, value)) if isinstance(value, list) else value
        elif _is_required(each):
            return None
    event: Event = event_class(**values)
    build = record.get("build")
    return (OneOfMany(build, event) if isinstance(build, str) else event), moment


_BY_NAME = {event_name(each): each for each in _CLASSES if each is not OneOfMany}


def _details(event: Event) -> dict[str, object]:
    values = [(each, getattr(event, each.name)) for each in fields(event)]
    return {each.name: value for each, value in values if not each.kw_only or value != each.default}


def _is_required(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _timestamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(time: object) -> float | None:
    try:
        return datetime.fromisoformat(str(time).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
