"""The engine double with the Docker SDK's real client, for tests of what talks to an engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fakes import FakeDockerClient, FakeDockerEngine


@pytest.fixture
def fake_engine() -> FakeDockerEngine:
    """An engine that looks like 20.10, the oldest there is to work with."""
    return FakeDockerEngine("20.10")


@pytest.fixture
def client(fake_engine: FakeDockerEngine) -> Iterator[FakeDockerClient]:
    """A client of that engine."""
    client = FakeDockerClient(fake_engine)
    yield client
    client.close()
