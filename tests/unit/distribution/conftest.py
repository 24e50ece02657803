"""What the tests of the registry client share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from registry_clients import ClientFactory, Waits

from fakes import FakeRegistry
from imagebuilders.distribution import RegistryClient, Repository


@pytest.fixture
def waits() -> Waits:
    """Waits that take no time."""
    return Waits()


@pytest.fixture
def new_client(waits: Waits) -> Iterator[ClientFactory]:
    """Make clients of a registry, which are closed after the test."""
    with ExitStack() as opened:

        def make(registry: FakeRegistry | str, **options: Any) -> RegistryClient:
            address = registry if isinstance(registry, str) else registry.address
            options = {"retries": waits.policy(), "environ": {}, **options}
            return opened.enter_context(RegistryClient(address, **options))

        yield make


@pytest.fixture
def repository(fake_registry: FakeRegistry, new_client: ClientFactory) -> Repository:
    """A repository of a registry that asks for nothing."""
    return new_client(fake_registry).repository("team/app")
