"""Events as JSON objects, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders import events
from imagebuilders.event_records import event_name, event_of, event_record

_CLASSES = [each for each in get_args(events.Event) if each is not events.OneOfMany]
_VALUES: dict[str, st.SearchStrategy[object]] = {
    "str": st.text(),
    "bool": st.booleans(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False),
    "float | None": st.none() | st.floats(allow_nan=False),
    "int | None": st.none() | st.integers(),
    "tuple[str, ...]": st.lists(st.text()).map(tuple),
    "Stream": st.sampled_from(["stdout", "stderr"]),
    "CacheMissKind": st.sampled_from(["file", "base"]),
}


@given(st.data())
def test_events_come_back(data: st.DataObject) -> None:
    """Of every class, with every detail, also as one of several builds."""
    event_class = data.draw(st.sampled_from(_CLASSES))
    values = {each.name: data.draw(_VALUES[str(each.type)]) for each in fields(event_class)}
    event = event_class(**values)
    given_event = data.draw(st.sampled_from([event, events.OneOfMany("web", event)]))
    record = event_record(given_event, 1_700_000_000.25)
    found = event_of(json.loads(json.dumps(record)))
    assert found is not None
    heard, moment = found
    assert moment == 1_700_000_000.25
    assert heard == given_event
    inner = heard.event if isinstance(heard, events.OneOfMany) else heard
    assert {each.name: getattr(inner, each.name) for each in fields(event_class)} == values


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"event": "result", "time": "2026-01-01T00:00:00Z"},
        {"event": "notice", "message": "x"},
        {"event": "notice", "message": "x", "time": "yesterday"},
        {"event": "notice", "message": 7, "time": "2026-01-01T00:00:00Z"},
        {"event": "notice", "time": "2026-01-01T00:00:00Z"},
        {"event": "step_started", "number": "1", "total": 2, "instruction": "RUN x", "time": "0"},
    ],
)
def test_what_is_no_event(record: dict[str, object]) -> None:
    """It is of none, and no error."""
    assert event_of(record) is None


def test_keys_of_newer_versions_do_not_matter() -> None:
    """They are passed over."""
    record = {"event": "notice", "message": "x", "new": 1, "time": "2026-01-01T00:00:00.500Z"}
    assert event_of(record) == (events.Notice("x"), 1767225600.5)


def test_events_of_others_have_no_record() -> None:
    """A third party's class is not this package's."""

    class Mine(events.Notice):
        pass

    assert event_record(Mine("x"), 0.0) is None
    assert event_name(events.ImageBuilt) == "image_built"
