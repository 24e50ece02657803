"""Options of a build: the Docker SDK's keywords, and those only BuildKit knows, as typed values."""

from __future__ import annotations

from imagebuilders.build_options.options import DockerBuildOptions
from imagebuilders.build_options.values import (
    BuildCache,
    BuildOutput,
    BuildSecret,
    ContainerLimits,
    HostAddress,
    SSHAgent,
    Ulimit,
)

__all__ = [
    "BuildCache",
    "BuildOutput",
    "BuildSecret",
    "ContainerLimits",
    "DockerBuildOptions",
    "HostAddress",
    "SSHAgent",
    "Ulimit",
]
