"""What a build comes to: how long it took, and how much of it came from the cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from imagebuilders.events import (
    BuildFinished,
    ContextProgress,
    Event,
    ImageBuilt,
    ImagePushed,
    StepAdded,
    StepCached,
    StepFinished,
    StepOutput,
    StepProgress,
    StepStarted,
    emit,
)

_OF_STEPS = (
    *(ContextProgress, StepAdded, StepStarted, StepCached, StepOutput, StepProgress),
    StepFinished,
)


def emit_results(event: Event) -> None:
    """Tell what a quiet build still says."""
    if not isinstance(event, _OF_STEPS):
        emit(event)


class BuildSummary:
    """Hears the events of one build, passes them on, and counts.

    The steps of a Dockerfile count, but for FROM, which makes nothing.
    """

    def __init__(
        self,
        tell: Callable[[Event], None] = emit,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            tell: what to do with events.
            clock: gives the time in seconds.
        """
        self._tell = tell
        self._clock = clock
        self._began = clock()
        self._steps: dict[str, bool] = {}
        self._current = ""
        self._left_out: set[str] = set()
        self._image_id = self._digest = ""

    def leave_out(self, step_ids: Iterable[str]) -> None:
        """Do not count steps, which are those of another build that this one needs.

        Args:
            step_ids: their IDs.
        """
        self._left_out.update(step_ids)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case StepStarted() if self._counts(event):
                self._current = event.step_id or f"{event.stage} {event.number}"
                self._steps.setdefault(self._current, False)
            case StepStarted():
                self._current = ""
            case StepCached() | StepFinished(cached=True):
                key = event.step_id or self._current
                if key in self._steps:
                    self._steps[key] = True
            case ImageBuilt():
                self._image_id = self._image_id or event.image_id
            case ImagePushed():
                self._digest = event.reference.partition("@")[2]
            case _:
                pass
        self._tell(event)

    def _counts(self, event: StepStarted) -> bool:
        return event.is_counted and event.step_id not in self._left_out

    def finished(self, image_name: str, size: int | None = None, digest: str = "") -> BuildFinished:
        """Return the event that ends the build.

        Args:
            image_name: the image's name; empty for one without a name.
            size: the image's size in bytes, if there is an image and its size is known.
            digest: the digest that it was pushed with, if no event told it.
        """
        return BuildFinished(
            image_name,
            seconds=self._clock() - self._began,
            steps=len(self._steps),
            cached_steps=sum(self._steps.values()),
            size=size,
            digest=digest or self._digest or self._image_id,
        )
