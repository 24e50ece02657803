"""Which step an event is about, and how the displays number it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from imagebuilders import events
from imagebuilders.humanize import duration, size
from imagebuilders.sanitize import printable

StepEvent: TypeAlias = (
    events.StepAdded
    | events.StepStarted
    | events.StepCached
    | events.StepOutput
    | events.StepProgress
    | events.StepFinished
)


def step_key(event: StepEvent) -> str:
    """Return what tells the event's step from others: its id, else its number."""
    return event.step_id or str(event.number)


def step_number(event: events.StepStarted) -> str:
    """Return the step's number, as in `[2/5]`, `[build 2/5]` or `[2]`; empty for none."""
    if not event.number:
        return ""
    # The name of a lone stage says nothing.
    stage = "" if event.stage == "stage-0" else f"{printable(event.stage)} "
    number = f"{event.number}/{event.total}" if event.total else str(event.number)
    return f"[{stage.lstrip()}{number}]"


def short_code(instruction: str) -> str:
    """Return an instruction in one line, without flags that say little of what is done."""
    return _FLAGS.sub("", " ".join(instruction.split()))


def is_of_engine(event: events.StepOutput) -> bool:
    """Tell whether a line belongs to no step, but is the engine's own."""
    return not event.number and not event.step_id


def notice_text(event: events.Notice) -> str:
    """Return a notice in one text, with the page that tells more."""
    more = event.url and event.url not in event.message
    return f"{event.message} {event.url}" if more else event.message


def miss_text(event: events.CacheMissed) -> str:
    """Return why a step was not cached, as in `not cached: line 3, COPY src /app: a.py changed`."""
    code = " ".join(event.instruction.split())
    return printable(f"not cached: line {event.line}, {code}: {event.message}")


def summary(event: events.BuildFinished) -> str:
    """Return what a build comes to: its image, time, steps, size, digest.

    As in `app:1 in 3.2s, 2 of 5 steps cached, 12.3 MB, sha256:4bc4…`.
    """
    parts = [f"{printable(event.image_name)} in {duration(event.seconds)}".lstrip()]
    if event.steps:
        plural = "" if event.steps == 1 else "s"
        parts.append(f"{event.cached_steps} of {event.steps} step{plural} cached")
    if event.size is not None:
        parts.append(size(event.size))
    if event.digest:
        parts.append(printable(event.digest))
    return ", ".join(parts)


def shown_image(name: str) -> str:
    """Return what people call an image, which may have no name."""
    return printable(name) or "an image"


_FLAGS = re.compile(r"(?<= )--(?:mount|network|security|chown|chmod|link)\b\S* +")


class HeldEnds:
    """Ends of steps that are not told yet, as the steps may go on at once.

    BuildKit looks first whether it has a step's result, which takes no time, and then begins the
    step anew; a person is told of one step.
    """

    def __init__(self) -> None:
        self._held: dict[str, events.StepFinished] = {}

    def hold(self, event: events.StepFinished) -> bool:
        """Keep an end back if the step may go on; return whether it is kept."""
        began, ended = event.started_at, event.ended_at
        if not event.step_id or event.cached or event.error or began is None or ended is None:
            return False
        if ended - began >= _NO_TIME:
            return False
        self._held[event.step_id] = event
        return True

    def go_on(self, event: events.StepStarted) -> bool:
        """Drop the end of a step that begins anew; return whether there was one."""
        return self._held.pop(event.step_id, None) is not None

    def __contains__(self, step_id: str) -> bool:
        return step_id in self._held

    def release(self, step_ids: Iterable[str]) -> list[events.StepFinished]:
        """Return the ends of these steps, which are kept no longer: others build on them."""
        found = (self._held.pop(each, None) for each in step_ids)
        return [event for event in found if event is not None]

    def release_all(self) -> list[events.StepFinished]:
        """Return all ends."""
        return self.release(list(self._held))


_NO_TIME = 0.02
"""Seconds of a step in which nothing was done."""
