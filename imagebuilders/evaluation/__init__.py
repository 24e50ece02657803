"""Dockerfiles evaluated as BuildKit does: resolved steps, and what they make of file trees.

`plan` resolves the Dockerfile of a build context and tells what each step would do, and which
files it takes. `resolve_platforms` does the same for a Dockerfile alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebuilders.lazy_names import lazy_names

if TYPE_CHECKING:
    from imagebuilders.evaluation.frontend import NEWEST, Frontend
    from imagebuilders.evaluation.lint import LintWarning
    from imagebuilders.evaluation.options import ResolveOptions
    from imagebuilders.evaluation.outline import (
        Outline,
        Target,
        targets_of,
    )
    from imagebuilders.evaluation.plan_json import plan_document
    from imagebuilders.evaluation.planning import BuildPlan, plan
    from imagebuilders.evaluation.platforms import PlatformResolutions, resolve_platforms
    from imagebuilders.evaluation.questions import Images
    from imagebuilders.evaluation.registry_images import RegistryImages, UnknownImages
    from imagebuilders.evaluation.resolution import Resolution, resolve
    from imagebuilders.evaluation.taken_files import TakenFile

__all__ = [
    "NEWEST",
    "BuildPlan",
    "Frontend",
    "Images",
    "LintWarning",
    "Outline",
    "PlatformResolutions",
    "RegistryImages",
    "Resolution",
    "ResolveOptions",
    "TakenFile",
    "Target",
    "UnknownImages",
    "plan",
    "plan_document",
    "resolve",
    "resolve_platforms",
    "targets_of",
]

__getattr__ = lazy_names(
    __name__,
    {
        "BuildPlan": "imagebuilders.evaluation.planning",
        "Frontend": "imagebuilders.evaluation.frontend",
        "Images": "imagebuilders.evaluation.questions",
        "LintWarning": "imagebuilders.evaluation.lint",
        "NEWEST": "imagebuilders.evaluation.frontend",
        "Outline": "imagebuilders.evaluation.outline",
        "PlatformResolutions": "imagebuilders.evaluation.platforms",
        "RegistryImages": "imagebuilders.evaluation.registry_images",
        "Resolution": "imagebuilders.evaluation.resolution",
        "ResolveOptions": "imagebuilders.evaluation.options",
        "TakenFile": "imagebuilders.evaluation.taken_files",
        "Target": "imagebuilders.evaluation.outline",
        "UnknownImages": "imagebuilders.evaluation.registry_images",
        "plan": "imagebuilders.evaluation.planning",
        "plan_document": "imagebuilders.evaluation.plan_json",
        "resolve": "imagebuilders.evaluation.resolution",
        "resolve_platforms": "imagebuilders.evaluation.platforms",
        "targets_of": "imagebuilders.evaluation.outline",
    },
)
