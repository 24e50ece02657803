"""Fixtures of the engine double's own tests."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import Files, pack

Build = Callable[..., str]


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> FakeDockerEngine:
    """A fresh engine, as the marker of the fixture `fake_docker_engine` wants it."""
    marker = request.node.get_closest_marker("fake_docker_engine")
    return FakeDockerEngine(**(marker.kwargs if marker else {}))


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """The SDK's client on it."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def build(client: FakeDockerClient) -> Build:
    """Builds a Dockerfile with the real SDK; the image's id."""

    def run(dockerfile: str, files: Files | None = None, **options: Any) -> str:
        context = io.BytesIO(pack({"Dockerfile": dockerfile, **(files or {})}))
        image, _ = client.images.build(fileobj=context, custom_context=True, rm=True, **options)
        return str(image.id)

    return run
