"""The steps that a stage is made of, with those of the stages that it stands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imagebuilders.evaluation.steps import ImageOrigin, StageOrigin

from .cache_records import StepChain
from .step_cache import DoneStep

if TYPE_CHECKING:
    from imagebuilders.evaluation.resolution import Resolution
    from imagebuilders.evaluation.results import StageResult
    from imagebuilders.evaluation.steps import Stage

    from ...images.layers import Layer
    from .bases import BaseImages


def needed_stages(resolution: Resolution) -> list[Stage]:
    """Return the target stage, and then all others that the build needs."""
    target = resolution.target_stage
    return [target, *(each for each in resolution.stages if each.needed and each is not target)]


def stage_chain(
    resolution: Resolution,
    stage: Stage,
    images: BaseImages,
    done: Callable[[Stage], Sequence[DoneStep]],
    result: Callable[[int], StageResult],
    clock: Callable[[], int],
) -> StepChain:
    """Return the steps of a stage.

    Args:
        resolution: the Dockerfile.
        stage: which stage.
        images: finds images.
        done: returns the steps of a stage alone.
        result: returns what is behind a stage, by its number.
        clock: the time of what is made.
    """
    stages = [stage]
    while isinstance(stages[0].base, StageOrigin):
        stages.insert(0, resolution.stages[stages[0].base.index])
    base = stages[0].base
    below: tuple[Layer, ...] = ()
    if isinstance(base, ImageOrigin):
        below = images.find(base.reference, base.platform).image.layers
    of_folder = result(stages[0].index).base_layer
    first = [] if of_folder is None else [DoneStep("", "", of_folder, None, clock())]
    return StepChain(below, (*first, *(step for each in stages for step in done(each))))
