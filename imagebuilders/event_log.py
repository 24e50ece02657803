"""The log as a listener: what a build says when nobody else listens."""

from __future__ import annotations

import logging

from imagebuilders.events import (
    BuildStarted,
    Event,
    ImageBuilt,
    ImagePushed,
    Notice,
    StepCached,
    StepOutput,
    StepStarted,
    emit,
    is_heard,
)

logger = logging.getLogger("imagebuilders")


def report(event: Event) -> None:
    """Tell the listeners of the current context; without any, write to the log."""
    if is_heard():
        emit(event)
    else:
        log_event(event)


def log_event(event: Event) -> None:
    """Write an event to the log of `imagebuilders`, at INFO; notices are warnings.

    Progress in bytes is left out: in a log it says nothing.
    """
    match event:
        case BuildStarted():
            logger.info("Building %s with %s.", event.image_name, event.engine)
        case StepStarted():
            total = f"/{event.total}" if event.total else ""
            logger.info("Step %d%s: %s", event.number, total, event.instruction)
        case StepCached():
            logger.info("Step %d: taken from the cache", event.number)
        case StepOutput():
            logger.info("%s", event.line)
        case ImageBuilt():
            logger.info("Built %s (%s).", event.image_name, event.image_id)
        case ImagePushed():
            logger.info("Pushed %s.", event.reference)
        case Notice():
            logger.warning("%s", event.message)
        case _:
            pass
