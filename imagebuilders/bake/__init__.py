"""What compose files and bake's JSON say is to be built: https://docs.docker.com/build/bake/."""

from __future__ import annotations

from imagebuilders.bake.definition import BakePlan, Definition
from imagebuilders.bake.files import read_definition
from imagebuilders.bake.target import Target
from imagebuilders.bake.tasks import TargetBuild, target_builds

__all__ = ["BakePlan", "Definition", "Target", "TargetBuild", "read_definition", "target_builds"]
