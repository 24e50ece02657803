"""Options of a build: the Docker SDK's keywords, and those only BuildKit knows, as typed values."""

from __future__ import annotations

from imagebuilders.build_options.image_details import Annotation, Attestation
from imagebuilders.build_options.limits import ContainerLimits
from imagebuilders.build_options.options import DockerBuildOptions
from imagebuilders.build_options.values import (
    BuildCache,
    BuildOutput,
    BuildSecret,
    HostAddress,
    SSHAgent,
    Ulimit,
)

__all__ = [
    "Annotation",
    "Attestation",
    "BuildCache",
    "BuildOutput",
    "BuildSecret",
    "ContainerLimits",
    "DockerBuildOptions",
    "HostAddress",
    "SSHAgent",
    "Ulimit",
]
