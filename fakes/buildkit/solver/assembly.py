"""An image out of the layers of its stages, as BuildKit writes its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from imagebuilders.oci.digest import Digest

from ... import go_text
from ...images.image import Image
from .commands import merged_environment

if TYPE_CHECKING:
    from imagebuilders.oci.image_config import HistoryEntry, ImageConfig

    from ...images.layers import Layer
    from .step_cache import DoneStep

_SECOND = 1_000_000_000


def assemble(
    config: ImageConfig,
    below: Sequence[Layer],
    done: Sequence[DoneStep],
    *,
    environment: Mapping[str, str],
    epoch: int | None = None,
) -> Image:
    """Return an image.

    Args:
        config: of its last stage; with the layers of the base alone.
        below: the layers of the image that it begins with.
        done: the steps that make its own layers.
        environment: the variables that rules have set.
        epoch: the time of everything, in seconds since 1970 (`SOURCE_DATE_EPOCH`).
    """
    layers = (*below, *(step.layer for step in done))
    history = _with_times(config.history, [step.created for step in done])
    if epoch is not None:
        history = tuple(_clamped(entry, epoch * _SECOND) for entry in history)
    created = next((entry.created for entry in reversed(history) if entry.created), "")
    env = config.config.env or ()
    document = replace(
        config,
        config=replace(config.config, env=merged_environment(env, environment) or None),
        created=created if epoch is None else go_text.rfc3339(epoch * _SECOND),
        diff_ids=tuple(Digest.parse(layer.diff_id) for layer in layers),
        history=history,
    )
    return Image(document.to_bytes(), layers)


def _clamped(entry: HistoryEntry, latest: int) -> HistoryEntry:
    if go_text.parse_rfc3339(entry.created) <= latest:
        return entry
    return replace(entry, created=go_text.rfc3339(latest))


def _with_times(history: Sequence[HistoryEntry], times: Sequence[int]) -> tuple[HistoryEntry, ...]:
    """Return a history in which every step has a time.

    A step that makes a layer has that layer's; any other that of the layer before it, or of the
    first own layer (`normalizeLayersAndHistory` in `exporter/containerimage/writer.go`).
    """
    left = iter(times)
    entries = [
        entry
        if entry.created or entry.empty_layer
        else replace(entry, created=go_text.rfc3339(next(left, 0)))
        for entry in history
    ]
    current, is_missing = "", False
    for entry in entries:
        if entry.created:
            current = entry.created
            if is_missing:
                break
        else:
            is_missing = True
    is_missing = False
    found = []
    for entry in entries:
        if not entry.created:
            is_missing = True
        elif is_missing:
            current = entry.created
        found.append(entry if entry.created else replace(entry, created=current))
    return tuple(found)
