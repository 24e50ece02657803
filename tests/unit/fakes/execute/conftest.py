"""An engine double whose commands an emulated shell evaluates."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import Files, pack

Build = Callable[..., list[str]]


@pytest.fixture
def engine() -> Iterator[FakeDockerEngine]:
    """An engine that has `busybox` and `debian:12`."""
    engine = FakeDockerEngine("28.5", execute="shell")
    engine.seed_image("busybox")
    engine.seed_image("debian:12")
    yield engine
    engine.close()
    engine.crashes.check()


@pytest.fixture
def client(engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """The SDK's client on it."""
    client = FakeDockerClient(engine)
    yield client
    client.close()


@pytest.fixture
def build(client: FakeDockerClient) -> Build:
    """Builds a Dockerfile with the classic builder, as `app:1`; what it said."""

    def run(dockerfile: str, files: Files | None = None, **options: Any) -> list[str]:
        context = io.BytesIO(pack({"Dockerfile": dockerfile, **(files or {})}))
        _, log = client.images.build(
            fileobj=context, custom_context=True, rm=True, tag="app:1", **options
        )
        lines = (line.get("stream", "") for line in log if isinstance(line, dict))
        return "".join(map(str, lines)).splitlines()

    return run
