"""What a build comes to."""

from __future__ import annotations

from imagebuilders.build_summary import BuildSummary
from imagebuilders.events import Event, StepCached, StepFinished, StepStarted


def test_steps_are_counted_and_events_passed_on() -> None:
    """A step that begins anew is one step; FROM and what the builder adds do not count."""
    told: list[Event] = []
    times = iter([10.0, 12.5])
    summary = BuildSummary(told.append, clock=lambda: next(times))
    given: list[Event] = [
        StepStarted(0, 0, "[internal] load", step_id="i"),
        StepFinished(0, cached=True, step_id="i"),
        StepStarted(1, 3, "FROM a", step_id="a"),
        StepCached(1, step_id="a"),
        StepStarted(2, 3, "RUN b", step_id="b"),
        StepStarted(2, 3, "RUN b", step_id="b"),
        StepFinished(2, step_id="b"),
        StepStarted(3, 3, "RUN c", step_id="c"),
        StepCached(3, step_id="c"),
        StepFinished(3, cached=True, step_id="c"),
    ]
    for event in given:
        summary(event)
    finished = summary.finished("app:1", 5)
    assert told == given
    assert (finished.steps, finished.cached_steps) == (2, 1)
    assert (finished.seconds, finished.size) == (2.5, 5)


def test_steps_without_ids_run_one_at_a_time() -> None:
    """What is cached is the last one that began."""
    summary = BuildSummary(lambda event: None)
    for event in (
        StepStarted(1, 3, "FROM a"),
        StepCached(1),
        StepStarted(2, 3, "RUN b"),
        StepCached(2),
        StepStarted(3, 3, "RUN c"),
    ):
        summary(event)
    finished = summary.finished("app:1")
    assert (finished.steps, finished.cached_steps, finished.size) == (2, 1, None)


def test_steps_of_another_build_are_told_and_not_counted() -> None:
    """What a build is based on is a build of its own, with a summary of its own."""
    told: list[Event] = []
    summary = BuildSummary(told.append)
    summary.leave_out(["a1", "a2"])
    given: list[Event] = [
        StepStarted(1, 2, "COPY a", step_id="a1"),
        StepStarted(1, 1, "COPY b", step_id="b1"),
        StepFinished(1, cached=True, step_id="a1"),
        StepStarted(2, 2, "COPY c", step_id="a2"),
        StepCached(2, step_id="a2"),
        StepFinished(1, cached=True, step_id="b1"),
    ]
    for event in given:
        summary(event)
    finished = summary.finished("app:1")
    assert told == given
    assert (finished.steps, finished.cached_steps) == (1, 1)
