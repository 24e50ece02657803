"""Which step an event is about, and how the displays number it."""

from __future__ import annotations

from typing import TypeAlias

from imagebuilders import events

StepEvent: TypeAlias = (
    events.StepStarted
    | events.StepCached
    | events.StepOutput
    | events.StepProgress
    | events.StepFinished
)


def step_key(event: StepEvent) -> str:
    """Return what tells the event's step from others: its id, else its number."""
    return event.step_id or str(event.number)


def step_number(event: events.StepStarted) -> str:
    """Return the step's number, as in `[2/5]` or `[2]`; empty for a step without one."""
    if not event.number:
        return ""
    return f"[{event.number}/{event.total}]" if event.total else f"[{event.number}]"


def is_of_engine(event: events.StepOutput) -> bool:
    """Tell whether a line belongs to no step, but is the engine's own."""
    return not event.number and not event.step_id
