"""Who hears events, and the log as the listener of last resort."""

from __future__ import annotations

import logging

import pytest

from imagebuilders.events import (
    BuildFinished,
    BuildStarted,
    ContextProgress,
    Event,
    ImageBuilt,
    ImagePushed,
    Notice,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    emit,
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
        (
            BuildFinished("app:1", seconds=1.25, steps=3, cached_steps=2),
            "Done in 1.2 s; 2 of 3 steps came from the cache.",
        ),
        (ImagePushed("app@sha256:0"), "Pushed app@sha256:0."),
        (Notice("look"), "look"),
        (ContextProgress(5), None),
        (StepProgress(1, "Downloading", 5), None),
        (StepFinished(1), None),
    ],
)
def test_without_a_listener_events_go_to_the_log(
    event: Event, line: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is a line at INFO, a notice a warning; progress in bytes is left out."""
    with caplog.at_level(logging.INFO, logger="imagebuilders"):
        emit(event)
    assert caplog.messages == ([line] if line else [])
    level = logging.WARNING if isinstance(event, Notice) else logging.INFO
    assert all(record.levelno == level for record in caplog.records)


def test_with_a_listener_the_log_stays_empty(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody wants to read everything twice."""
    told: list[Event] = []
    with caplog.at_level(logging.DEBUG), listen(told.append):
        emit(StepCached(1))
    assert told == [StepCached(1)]
    assert caplog.messages == []


def test_details_are_not_compared() -> None:
    """Ids and times say which step is meant and when; what happened is the same."""
    told = StepStarted(1, 2, "FROM a", step_id="x", stage="stage-0", inputs=("y",), started_at=1.5)
    assert told == StepStarted(1, 2, "FROM a")
    assert told != StepStarted(2, 2, "FROM a")
    assert hash(told) == hash(StepStarted(1, 2, "FROM a"))


def test_listeners_nest(caplog: pytest.LogCaptureFixture) -> None:
    """Inner and outer both hear, the outer first; what the inner raises ends the emitting."""
    heard: list[str] = []

    def fail(event: Event) -> None:
        heard.append("inner")
        raise ZeroDivisionError

    with listen(lambda event: heard.append("outer")):
        with listen(fail), pytest.raises(ZeroDivisionError):
            emit(Notice("look"))
        emit(Notice("look again"))
    assert heard == ["outer", "inner", "outer"]
    emit(Notice("at last"))
    assert caplog.messages == ["at last"]
