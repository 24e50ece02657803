"""What environment variables say of a build that its options leave open, as with `docker build`."""

from __future__ import annotations

import os

from imagebuilders.build_options.options import DockerBuildOptions
from imagebuilders.build_options.parsing import parse_switch

PLATFORM = "DOCKER_DEFAULT_PLATFORM"
"""The platform, or several with commas between them, when the options name none."""

CHOICE = "DOCKER_BUILDKIT"
"""`0` for the engine's classic builder, where the settings leave it open."""


def with_environment(options: DockerBuildOptions) -> DockerBuildOptions:
    """Return the options with the platform of the environment, if they name none."""
    platform = os.environ.get(PLATFORM)
    if options.platform is not None or not platform:
        return options
    return options.model_copy(update={"platform": platform})


def wants_classic() -> bool:
    """Return whether the environment asks for the classic builder."""
    return parse_switch(os.environ.get(CHOICE, "")) is False
