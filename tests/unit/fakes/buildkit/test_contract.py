"""The BuildKit doubles answer and ask what real daemons did, scenario by scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from buildkit_contract import Commands, Connector, base_images
from buildkit_divergences import OF_CONTENT_ENGINE, OF_DAEMON, OF_ENGINE
from comparison_size import WHOLE

from fakes import FakeBuildKit, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from fakes.contracts.buildkit.conduct import Dial
from fakes.contracts.buildkit_daemon import BuildKitContract, Prepare
from imagebuilders.oci.reference import ImageReference

_WAITS = 1.0
"""Seconds that the doubles wait in the place of five and six."""


def _hurry(buildkit: ScriptedBuildKit) -> None:
    buildkit.session_seconds = buildkit.unknown_ref_seconds = _WAITS
    buildkit.gateway.build_seconds = _WAITS


class _Told(BuildKitContract):
    """A double, which is told what RUN steps do."""

    first_of_each: ClassVar[int | None] = None if WHOLE else 3

    @pytest.fixture
    def commands(self) -> Commands:
        """What RUN steps do."""
        return Commands()

    @pytest.fixture
    def prepare(self, commands: Commands) -> Prepare:
        """Tell the double what the steps of the next scenario do."""
        return commands.prepare


class TestDaemon(_Told):
    """A daemon of its own."""

    daemon = "0.32"
    known_divergences: ClassVar[dict[str, str]] = OF_DAEMON

    @pytest.fixture
    def dial(self, commands: Commands) -> Iterator[Dial]:
        """Connect to a fresh daemon that has the bases."""
        double = FakeBuildKit()
        for name, images in base_images().items():
            for platform, image in images:
                double._worker.seed(ImageReference.parse(name), platform, image)
        double.on_run("*", commands)
        _hurry(double)
        connector = Connector(double)
        yield connector
        connector.close()


class TestEngine(_Told):
    """The BuildKit of an engine."""

    daemon = "28.5-graph"
    image_store: ClassVar[str] = "overlay2"
    known_divergences: ClassVar[dict[str, str]] = OF_ENGINE

    @pytest.fixture
    def dial(self, commands: Commands) -> Iterator[Dial]:
        """Connect to the BuildKit of a fresh engine whose hub has the bases."""
        engine = FakeDockerEngine("28.5", image_store=self.image_store)
        for name, images in base_images().items():
            for _, image in images:
                engine.registries.hub.add(ImageReference.parse(f"{name}:latest"), image)
        engine.on_run("*", commands)
        buildkit = engine.buildkit
        assert buildkit is not None
        _hurry(buildkit)
        connector = Connector(buildkit)
        yield connector
        connector.close()
        engine.close()


class TestContentEngine(TestEngine):
    """The BuildKit of an engine that keeps its images in containerd's store."""

    daemon = "28.5-containerd"
    image_store = "containerd"
    known_divergences: ClassVar[dict[str, str]] = OF_CONTENT_ENGINE
