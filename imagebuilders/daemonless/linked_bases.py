"""`base_files="link"`: a Dockerfile resolved so that no step looks into its base."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from imagebuilders.evaluation.image_draft import HISTORY_COMMENT
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.evaluation.steps import Copy, Stage, Step, Workdir
from imagebuilders.oci.image_config import HistoryEntry, ImageConfig

NOTICE = (
    "Steps do not look into their base (base_files='link'): each COPY and ADD is done as with "
    "--link, and WORKDIR makes no folder, which the runtime does where nothing is copied into it. "
    "So folders on the way to a destination belong to root with mode 0755, a link at such a place "
    "is replaced by a folder, a destination without a slash at its end is a file, and owners have "
    "to be numbers."
)
"""What is to be said of it."""


def linked(resolution: Resolution) -> Resolution:
    """Return a resolution of which no step depends on the files of its base."""
    return replace(resolution, stages=tuple(map(_stage, resolution.stages)))


def changes(resolutions: Iterable[Resolution]) -> bool:
    """Return whether that makes a difference."""
    return any(linked(resolution) != resolution for resolution in resolutions)


def _stage(stage: Stage) -> Stage:
    return replace(stage, steps=tuple(map(_step, stage.steps)), image=_image(stage.image))


def _step(step: Step) -> Step:
    if isinstance(step, Copy):
        return replace(step, link=True)
    if isinstance(step, Workdir):
        return replace(step, makes_layer=False)
    return step


def _image(image: ImageConfig) -> ImageConfig:
    return replace(image, history=tuple(map(_entry, image.history)))


def _entry(entry: HistoryEntry) -> HistoryEntry:
    # Those of the base have a time; those of the build have none yet.
    is_own = entry.comment == HISTORY_COMMENT and not entry.created
    if is_own and entry.created_by.startswith("WORKDIR "):
        return replace(entry, empty_layer=True)
    return entry
