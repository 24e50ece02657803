"""The registry client does with a real registry what it does with the double."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from registry_clients import Login, Logins
from testbed.registry import Registry

from fakes.contracts.registry_client import RegistryClientContract, RegistryClientLoginContract
from imagebuilders.distribution import RegistryClient


class TestDistribution(RegistryClientContract):
    """The distribution project's registry: Debian's `docker-registry`, or `registry:3`."""

    @pytest.fixture
    def registry_client(self, registry: Registry) -> Iterator[RegistryClient]:
        """A client of the registry beside the newest engine."""
        with RegistryClient(registry.address) as client:
            yield client


class TestDistributionLogin(RegistryClientLoginContract):
    """The same registry behind a password."""

    @pytest.fixture
    def registry_client(self, registry_with_auth: Registry) -> Iterator[RegistryClient]:
        """A client that knows the password."""
        known = registry_with_auth.credentials
        assert known is not None
        login = Logins(Login(known.username, known.password))
        with RegistryClient(registry_with_auth.address, credentials=login) as client:
            yield client

    @pytest.fixture
    def stranger(self, registry_with_auth: Registry) -> Iterator[RegistryClient]:
        """A client that does not."""
        wrong = Logins(Login("builder", "wrong"))
        with RegistryClient(registry_with_auth.address, credentials=wrong) as client:
            yield client
