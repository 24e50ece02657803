"""The steps of a build as events."""

from __future__ import annotations

import re
from collections.abc import Callable

from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.results import StageResult
from imagebuilders.evaluation.steps import Step
from imagebuilders.events import Event, Notice, StepFinished, StepStarted

_TITLE = re.compile(r"\[(?P<stage>.*?) ?(?P<number>\d+)/(?P<total>\d+)\] (?P<text>.*)", re.DOTALL)


class ToldSteps:
    """Tells what is done.

    Args:
        tell: what to do with events.
        label: what stands before the stages' names, to tell platforms apart.
    """

    def __init__(self, tell: Callable[[Event], None], label: str = "") -> None:
        self._tell = tell
        self._label = label

    def done(self, result: StageResult) -> None:
        """Tell the steps of a stage that was executed."""
        for number, made in enumerate(result.steps):
            step_id = f"{self._label}{result.stage.index}.{number}"
            started = started_event(made.step, step_id)
            if started is not None:
                self._tell(started)
                self._tell(StepFinished(started.number, step_id=step_id))

    def failed(self, step: Step, message: str) -> None:
        """Tell the step that failed."""
        started = started_event(step, "failed")
        if started is not None:
            self._tell(started)
            self._tell(StepFinished(started.number, error=message, step_id="failed"))


def started_event(step: Step, step_id: str) -> StepStarted | None:
    """Return the event of a step's begin; `None` for one that does not show."""
    found = _TITLE.fullmatch(step.title)
    if found is None:
        return None
    return StepStarted(
        int(found["number"]),
        int(found["total"]),
        found["text"],
        step_id=step_id,
        stage=found["stage"],
    )


def warning_notice(warning: LintWarning) -> Notice:
    """Return a warning as an event, in the form that those of a daemon have."""
    rule = f"{warning.rule}: " if warning.rule else ""
    line = warning.lines.first if warning.lines else 0
    return Notice(f"{rule}{warning.text}", rule=warning.rule, line=line, url=warning.url)
