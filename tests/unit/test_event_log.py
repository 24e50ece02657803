"""The log as the listener of last resort."""

from __future__ import annotations

import logging

import pytest

from imagebuilders.event_log import report
from imagebuilders.events import (
    BuildStarted,
    ContextProgress,
    Event,
    ImageBuilt,
    ImagePushed,
    Notice,
    StepCached,
    StepOutput,
    StepStarted,
    listen,
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (BuildStarted("app:1", "Docker Engine"), "Building app:1 with Docker Engine."),
        (StepStarted(1, 2, "FROM a"), "Step 1/2: FROM a"),
        (StepStarted(1, 0, "FROM a"), "Step 1: FROM a"),
        (StepCached(1), "Step 1: taken from the cache"),
        (StepOutput(1, "100%"), "100%"),
        (ImageBuilt("app:1", "sha256:0"), "Built app:1 (sha256:0)."),
        (ImagePushed("app@sha256:0"), "Pushed app@sha256:0."),
        (Notice("look"), "look"),
        (ContextProgress(5), None),
    ],
)
def test_without_a_listener_events_go_to_the_log(
    event: Event, line: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is a line at INFO, a notice a warning; progress in bytes is left out."""
    with caplog.at_level(logging.INFO, logger="imagebuilders"):
        report(event)
    assert caplog.messages == ([line] if line else [])
    level = logging.WARNING if isinstance(event, Notice) else logging.INFO
    assert all(record.levelno == level for record in caplog.records)


def test_with_a_listener_the_log_stays_empty(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody wants to read everything twice."""
    told: list[Event] = []
    with caplog.at_level(logging.DEBUG), listen(told.append):
        report(StepCached(1))
    assert told == [StepCached(1)]
    assert caplog.messages == []
