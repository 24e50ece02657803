"""What the Dockerfile frontend says of its result, before it is exported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imagebuilders.evaluation.steps import ImageOrigin

if TYPE_CHECKING:
    from imagebuilders.evaluation.platforms import PlatformResolutions
    from imagebuilders.evaluation.resolution import Resolution

    from .bases import BaseImages

_CONFIG = "containerimage.config"
_BASE = "containerimage.base.config"


def result_metadata(resolutions: PlatformResolutions, images: BaseImages) -> dict[str, str]:
    """Return what is said of a result.

    Args:
        resolutions: of the Dockerfile, one for each platform.
        images: finds images.
    """
    found: dict[str, str] = {}
    platforms = []
    for resolution in resolutions.resolutions:
        name = str(resolution.platform)
        suffix = f"/{name}" if resolutions.is_index else ""
        platforms.append({"ID": name, "Platform": _described(resolution)})
        config = resolution.target_stage.image.to_bytes()
        found[f"{_CONFIG}{suffix}"] = config.replace(b'"diff_ids":[]', b'"diff_ids":null').decode()
        base = resolution.stages[_first(resolution)].base
        if isinstance(base, ImageOrigin) and base.reference not in images.inputs:
            image = images.find(base.reference, base.platform).image
            found[f"{_BASE}{suffix}"] = image.document.decode()
    found["refs.platforms"] = json.dumps({"Platforms": platforms}, separators=(",", ":"))
    return found


def requested(resolutions: PlatformResolutions, labels: dict[str, str]) -> str:
    """Return what the history says of what was asked for."""
    names = [str(resolution.platform) for resolution in resolutions.resolutions]
    document = {"Platforms": names, "Labels": labels, "Request": ""}
    return json.dumps(document, separators=(",", ":"))


def _described(resolution: Resolution) -> dict[str, str]:
    found = resolution.platform.to_json()
    return {key: str(found[key]) for key in sorted(found)}


def _first(resolution: Resolution) -> int:
    """Return the stage that the target's chain of stages begins with."""
    stage = resolution.target_stage
    while (index := getattr(stage.base, "index", None)) is not None:
        stage = resolution.stages[index]
    return stage.index
