"""The fake registry keeps the registry contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from fakes.contracts.container_registry import ContainerRegistryContract, RegistryLoginContract
from fakes.contracts.registry_endpoint import RegistryEndpoint
from fakes.registry import FakeRegistry

USERS = {"alice": "s3cret"}


class TestInProcess(ContainerRegistryContract):
    """Without a socket."""

    @pytest.fixture
    def registry_endpoint(self) -> Iterator[RegistryEndpoint]:
        """A registry of the test's own."""
        registry = FakeRegistry()
        with registry.session() as session:
            yield RegistryEndpoint(registry.url, session=session)


class TestBearer(ContainerRegistryContract):
    """With tokens."""

    @pytest.fixture
    def registry_endpoint(self) -> Iterator[RegistryEndpoint]:
        """A registry of the test's own."""
        registry = FakeRegistry(auth="bearer", users=USERS)
        with registry.session() as session:
            yield RegistryEndpoint(registry.url, ("alice", "s3cret"), session)


class TestServed(ContainerRegistryContract):
    """Over HTTP, with a password."""

    @pytest.fixture
    def registry_endpoint(self) -> Iterator[RegistryEndpoint]:
        """A registry of the test's own."""
        registry = FakeRegistry(auth="basic", users=USERS)
        with registry, requests.Session() as session:
            yield RegistryEndpoint(registry.url, ("alice", "s3cret"), session)


class TestLogin(RegistryLoginContract):
    """Both ways to log in."""

    @pytest.fixture(params=["basic", "bearer"])
    def registry_endpoint(self, request: pytest.FixtureRequest) -> Iterator[RegistryEndpoint]:
        """A registry of the test's own."""
        registry = FakeRegistry(auth=request.param, users=USERS)
        with registry.session() as session:
            yield RegistryEndpoint(registry.url, ("alice", "s3cret"), session)
