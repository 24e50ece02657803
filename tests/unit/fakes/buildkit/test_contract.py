"""The BuildKit doubles answer and ask what real daemons did, scenario by scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest
from buildkit_contract import Commands, Connector, base_images
from buildkit_divergences import (
    OF_CONTENT_ENGINE,
    OF_DAEMON,
    OF_ENGINE,
    OF_STORED_20,
    OF_STORED_26,
    OF_STORED_28,
    OF_STORED_CONTENT,
)
from buildkit_places import open_places
from comparison_size import WHOLE

from fakes import FakeBuildKit, FakeDockerEngine
from fakes.buildkit import ScriptedBuildKit
from fakes.contracts.buildkit.conduct import Dial
from fakes.contracts.buildkit_daemon import BuildKitContract, Prepare
from fakes.images.image import Image
from imagebuilders.oci.platform import Platform
from imagebuilders.oci.reference import ImageReference

_WAITS = 2.5
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

    @pytest.fixture
    def places(self) -> Iterator[Mapping[str, str]]:
        """Registries and a web server, as the scenarios need them."""
        with open_places() as places:
            yield places


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


class _Engine(_Told):
    """The BuildKit of an engine."""

    version: ClassVar[str] = "28.5"
    image_store: ClassVar[str | None] = None

    @pytest.fixture
    def dial(self, commands: Commands) -> Iterator[Dial]:
        """Connect to the BuildKit of a fresh engine that has the bases."""
        engine = FakeDockerEngine(self.version, image_store=self.image_store)
        for name, images in base_images().items():
            self.give(engine, ImageReference.parse(f"{name}:latest"), images)
        engine.on_run("*", commands)
        buildkit = engine.buildkit
        assert buildkit is not None
        _hurry(buildkit)
        connector = Connector(buildkit)
        yield connector
        connector.close()
        engine.close()

    def give(
        self, engine: FakeDockerEngine, name: ImageReference, images: list[tuple[Platform, Image]]
    ) -> None:
        """Put the first image of a base into the engine's store."""
        engine.images.retag(name, engine.images.add(images[0][1]))


class TestEngine(_Engine):
    """An engine that pulls its bases."""

    daemon = "28.5-graph"
    known_divergences: ClassVar[dict[str, str]] = OF_ENGINE

    def give(
        self, engine: FakeDockerEngine, name: ImageReference, images: list[tuple[Platform, Image]]
    ) -> None:
        """Let the hub have the images of a base."""
        for _, image in images:
            engine.registries.hub.add(name, image)


class TestContentEngine(TestEngine):
    """An engine that pulls its bases, and keeps its images in containerd's store."""

    daemon = "28.5-containerd"
    image_store = "containerd"
    known_divergences: ClassVar[dict[str, str]] = OF_CONTENT_ENGINE


class _Stored(_Engine):
    """An engine that has the bases in its store."""

    first_of_each: ClassVar[int | None] = None if WHOLE else 1


class TestStored20(_Stored):
    """20.10 with the bases in its store."""

    daemon = "20.10-store"
    version = "20.10"
    known_divergences: ClassVar[dict[str, str]] = OF_STORED_20


class TestStored26(_Stored):
    """26.1 with the bases in its store."""

    daemon = "26.1-store"
    version = "26.1"
    known_divergences: ClassVar[dict[str, str]] = OF_STORED_26


class TestStored28(_Stored):
    """28.5 with the bases in its store."""

    daemon = "28.5-store"
    known_divergences: ClassVar[dict[str, str]] = OF_STORED_28


class TestStoredContent(_Stored):
    """28.5 with containerd's image store, which has the bases."""

    daemon = "28.5-containerd-store"
    image_store = "containerd"
    known_divergences: ClassVar[dict[str, str]] = OF_STORED_CONTENT
