"""What a build of CodeBuild tells, as the events of `imagebuilders.events`.

Its phases are steps of their own; what `buildx` tells of the Dockerfile's steps comes as JSON in
the log, between lines of everything else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from imagebuilders.aws.code_build.rawjson import parse_status
from imagebuilders.aws.code_build.state import BuildState, without_command
from imagebuilders.buildkit.progress import BuildEvents
from imagebuilders.events import Event, StepFinished, StepOutput, StepStarted

MAX_LINES = 10_000
"""So many of the last lines are kept for an error."""

_LAST = "COMPLETED"
_OWN = "[Container] "


class CodeBuildProgress:
    """Turns states and lines of the log into events.

    Attributes:
        steps: what was told of the Dockerfile's steps.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        """Begin.

        Args:
            emit: what to do with events.
        """
        self.steps = BuildEvents(emit)
        self._emit = emit
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._begun: set[str] = set()
        self._ended: set[str] = set()

    @property
    def lines(self) -> list[str]:
        """The lines of the log that are no status of `buildx`."""
        return list(self._lines)

    def take_state(self, state: BuildState) -> None:
        """Tell of phases that have begun or ended since the last time."""
        for phase in state.phases:
            step_id = f"codebuild:{phase.name}"
            if phase.name == _LAST:
                continue
            if phase.name not in self._begun:
                self._begun.add(phase.name)
                self._emit(
                    StepStarted(
                        0,
                        0,
                        f"CodeBuild: {phase.name}",
                        step_id=step_id,
                        started_at=phase.started_at,
                    )
                )
            if phase.status and phase.ended_at and phase.name not in self._ended:
                self._ended.add(phase.name)
                self._emit(
                    StepFinished(
                        0,
                        error=(phase.message or phase.status) if phase.is_failed else "",
                        step_id=step_id,
                        started_at=phase.started_at,
                        ended_at=phase.ended_at,
                    )
                )

    def take_line(self, line: str) -> None:
        """Tell of a line of the log."""
        status = parse_status(line)
        if status is not None:
            self.steps.take(status)
            return
        if line.startswith(_OWN):
            line = without_command(line)
        self._lines.append(line)
        self._emit(StepOutput(0, line))

    def close(self) -> None:
        """Tell what no end of a step has told."""
        self.steps.close()
