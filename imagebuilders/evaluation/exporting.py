"""What an exporter makes of a configuration: it must fit the layers.

As in BuildKit's image exporter (https://github.com/moby/buildkit, `exporter/containerimage`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from imagebuilders.evaluation.daemon import BUILDKITD, Daemon
from imagebuilders.evaluation.steps import (
    ContextOrigin,
    ImageOrigin,
    Origin,
    Stage,
    StageOrigin,
)
from imagebuilders.exceptions import EvaluationError
from imagebuilders.oci.image_config import HistoryEntry, ImageConfig

EXPORTER_COMMENT = "buildkit.exporter.image.v0"


def exported_stage(stages: Sequence[Stage], target: int) -> Stage:
    """Return the stage that is built with a history that fits its layers.

    Layers without a record get one that says where they come from, as with a base that is the
    folder of a named context, or whose own history is too short; records without a layer are
    marked as empty.

    Args:
        stages: all of them.
        target: the one that is built.
    """
    stage = stages[target]
    history = _fitting(stage.image.history, list(_layer_names(stages, stage)))
    return replace(stage, image=replace(stage.image, history=history))


def exported_image(image: ImageConfig, daemon: Daemon = BUILDKITD) -> ImageConfig:
    """Return the configuration of an image as it is exported.

    Args:
        image: its configuration. It says no platform if a folder stands for the whole stage.
        daemon: whose exporter it is.

    Raises:
        EvaluationError: it cannot be exported.
    """
    if image.platform.architecture:
        return image
    if daemon.needs_architecture:
        raise EvaluationError("invalid image config for export: missing architecture")
    return replace(image, platform=replace(image.platform, os="linux"))


def _fitting(history: Iterable[HistoryEntry], layers: Sequence[str]) -> tuple[HistoryEntry, ...]:
    fitting: list[HistoryEntry] = []
    used = 0
    for entry in history:
        if not entry.empty_layer:
            entry = replace(entry, empty_layer=used >= len(layers))
            used += 1
        fitting.append(entry)
    missing = [
        HistoryEntry(created_by=name, comment=EXPORTER_COMMENT, empty_layer=False)
        for name in layers[used:]
    ]
    return (*fitting, *missing)


def _count_of_base(stage: Stage) -> int:
    """Return how many layers a base image has; as many as records if nothing is known of it."""
    own = sum(step.makes_layer for step in stage.steps)
    records = sum(not entry.empty_layer for entry in stage.image.history)
    return len(stage.image.diff_ids) or max(records - own, 0)


def _layer_names(stages: Sequence[Stage], stage: Stage) -> Iterable[str]:
    """Return where each layer of a stage comes from, the lowest first."""
    base: Origin = stage.base
    if isinstance(base, StageOrigin):
        yield from _layer_names(stages, stages[base.index])
    elif isinstance(base, ImageOrigin):
        yield from [f"pulled from {base.reference}"] * _count_of_base(stage)
    elif isinstance(base, ContextOrigin):
        yield f"local source for {base.name}"
    yield from (step.title for step in stage.steps if step.makes_layer)
