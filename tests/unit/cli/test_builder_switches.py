"""Switches that not every image builder has."""

from __future__ import annotations

from collections.abc import Mapping

import click
import pytest

from imagebuilders.base_image_builder import BaseImageBuilder, BaseImageBuilderConfig
from imagebuilders.build_context import BuildContext
from imagebuilders.build_options import DockerBuildOptions
from imagebuilders.cli.builder_switches import builder_switches
from imagebuilders.container_registries import BaseContainerRegistry


class _Plain(BaseImageBuilder[BaseImageBuilderConfig]):
    """A builder of somebody else's."""

    @property
    def is_building_locally(self) -> bool:
        """`True`."""
        return True

    def build(
        self,
        image_name: str | None,
        build_context: BuildContext,
        docker_build_options: Mapping[str, object] | DockerBuildOptions | None = None,
        container_registry: BaseContainerRegistry | None = None,
    ) -> str:
        """Build nothing."""
        return image_name or ""


def test_one_that_the_builder_does_not_know() -> None:
    """It is an error of the command line, which names switch and builder."""
    assert builder_switches(_Plain(), explain_cache=False) == {}
    with pytest.raises(click.UsageError, match=r"--explain-cache: .* a _Plain, does not know it"):
        builder_switches(_Plain(), explain_cache=True)
