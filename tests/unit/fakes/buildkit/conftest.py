"""An engine double with BuildKit, and builds on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from buildkit_builds import Build

from fakes import FakeDockerClient, FakeDockerEngine
from imagebuilders import LocalImageBuilder


@pytest.fixture
def engine() -> Iterator[FakeDockerEngine]:
    """An engine that has an image, `base:1`."""
    engine = FakeDockerEngine("28.5")
    engine.seed_image("base:1")
    yield engine
    assert engine.buildkit is not None
    engine.buildkit.check()


@pytest.fixture
def build(engine: FakeDockerEngine, tmp_path: Path) -> Iterator[Build]:
    """Build on that engine."""
    with closing(FakeDockerClient(engine)) as client:
        builder = LocalImageBuilder(docker_client=client, builder="buildkit")
        yield Build(builder, tmp_path / "context")
